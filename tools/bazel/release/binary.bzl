"""release_binary: a program as `--config=release` builds it, whatever the configuration of the build is."""

load("@release_flags//:flags.bzl", "RELEASE")

_OPTION = "//command_line_option:"

def _release_impl(settings, attr):
    return {_OPTION + name: value for name, value in RELEASE.items()}

_release = transition(
    implementation = _release_impl,
    inputs = [],
    outputs = [_OPTION + name for name in RELEASE],
)

def _release_binary_impl(ctx):
    # A link by the name of this target, since paths of the other configuration are not for $(location).
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.executable.binary, is_executable = True)
    return [DefaultInfo(executable = link, files = depset([link]))]

release_binary = rule(
    implementation = _release_binary_impl,
    attrs = {
        "binary": attr.label(mandatory = True, executable = True, cfg = _release),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)
