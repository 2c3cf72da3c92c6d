"""BoringSSL from Debian's source package, as the repository of that name."""

# What is compiled; the rest of the archive is tests and other platforms.
_MEMBERS = [
    "BUILD.generated.bzl",
    "LICENSE",
    "err_data.c",
    "linux-aarch64",
    "linux-x86_64",
    "src/crypto",
    "src/include",
    "src/ssl",
    "src/third_party/fiat",
]

def _run(repository_ctx, command):
    result = repository_ctx.execute(command, timeout = 600)
    if result.return_code != 0:
        fail("%s: %s" % (command[0], result.stderr))
    return result.stdout.strip()

def _boringssl_repository_impl(repository_ctx):
    archive = _run(repository_ctx, [repository_ctx.path(repository_ctx.attr._fetch)])
    root = "android-platform-external-boringssl-14.0.0+r45/"
    _run(
        repository_ctx,
        ["tar", "--extract", "--xz", "--file", archive, "--strip-components=1"] + [root + member for member in _MEMBERS],
    )
    repository_ctx.symlink(repository_ctx.attr._build_file, "BUILD.bazel")

boringssl_repository = repository_rule(
    implementation = _boringssl_repository_impl,
    attrs = {
        "_build_file": attr.label(default = "//tools/bazel/boringssl:boringssl.BUILD", allow_single_file = True),
        "_fetch": attr.label(default = "//tools/bazel/boringssl:fetch", allow_single_file = True),
    },
)
