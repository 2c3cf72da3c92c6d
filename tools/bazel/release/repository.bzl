"""The flags of .bazelrc's `release` configuration, as a repository with RELEASE in flags.bzl: option -> value. So that
what is said there is said once."""

# Options that add up: those of `build` lines count too. All others hold one value.
_LISTS = ["copt", "cxxopt", "conlyopt", "linkopt", "features"]
_SHORT = {"-c": "--compilation_mode"}

def _words(text, prefix):
    """The words of all lines that begin with `prefix`."""
    words = []
    for line in text.split("\n"):
        parts = [part for part in line.split(" ") if part]
        if parts and parts[0] == prefix:
            words += parts[1:]
    return words

def _parse(words):
    """Pairs of option and value."""
    pairs = []
    pending = None
    for word in words:
        if pending:
            pairs.append((pending, word))
            pending = None
        elif word in _SHORT:
            pending = _SHORT[word][2:]
        elif not word.startswith("--"):
            fail(".bazelrc: `%s` is neither an option nor the value of one that is known here" % word)
        elif "=" in word:
            name, _, value = word[2:].partition("=")
            pairs.append((name, value))
        elif word.startswith("--no"):
            pairs.append((word[4:], False))
        else:
            pairs.append((word[2:], True))
    return pairs

def _release_flags_impl(repository_ctx):
    text = repository_ctx.read(repository_ctx.path(repository_ctx.attr._bazelrc))
    flags = {name: [] for name in _LISTS}
    for name, value in _parse(_words(text, "build")):
        if name in _LISTS:
            flags[name].append(value)
    configurations = ["release"]

    # Grows while it goes: a configuration may stand on others.
    for place in range(10):
        if place == len(configurations):
            break
        for name, value in _parse(_words(text, "build:" + configurations[place])):
            if name == "config":
                configurations.append(value)
            elif name in _LISTS:
                flags[name].append(value)
            else:
                flags[name] = value
    repository_ctx.file("flags.bzl", "RELEASE = %s\n" % repr(flags))
    repository_ctx.file("BUILD.bazel", "")

release_flags = repository_rule(
    implementation = _release_flags_impl,
    attrs = {
        "_bazelrc": attr.label(default = "//:.bazelrc", allow_single_file = True),
    },
)
