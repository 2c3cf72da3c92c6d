"""Debian's clang 19 as a toolchain, beside the gcc that Bazel finds by itself: --crosstool_top=@clang//:toolchain."""

load("@bazel_tools//tools/cpp:lib_cc_configure.bzl", "get_cpu_value")
load("@bazel_tools//tools/cpp:unix_cc_configure.bzl", "configure_unix_toolchain")

_CLANG = "/usr/bin/clang-19"

def _clang_toolchain_impl(repository_ctx):
    if not repository_ctx.path(_CLANG).exists:
        fail("%s is missing: tools/install installs it" % _CLANG)

    # All of this folder is an input of every compilation. (--fdo_optimize wants a tool that Debian's Bazel lacks.)
    repository_ctx.symlink(repository_ctx.attr.profile, "extra_tools/profile.profdata")
    configure_unix_toolchain(repository_ctx, get_cpu_value(repository_ctx), {"gcc": _CLANG})

clang_toolchain = repository_rule(
    implementation = _clang_toolchain_impl,
    attrs = {
        "profile": attr.label(
            doc = "For --copt=-fprofile-use=external/NAME/extra_tools/profile.profdata.",
            allow_single_file = True,
            mandatory = True,
        ),
    },
    configure = True,
)
