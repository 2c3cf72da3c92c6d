"""fuzz_corpus_test: one fuzz entry, as a test that replays its corpus and as a libFuzzer program."""

def fuzz_corpus_test(name, srcs, corpus, deps = [], mutations = 64, size = "small", tags = []):
    """Declares two targets over one `LLVMFuzzerTestOneInput`.

    `<name>` is a test for any compiler: it hands every file of the corpus to the entry, then prefixes of it and a
    fixed series of mutations, the same in every run. `<name>_fuzzer` is the fuzzer proper; it needs clang:

        bazel run --config=fuzz //test/config:yaml_loader_fuzz_test_fuzzer -- -max_total_time=60 \\
            $PWD/test/config/yaml_loader_corpus

    An input that it finds to fail goes into the corpus, beside the repair.

    Args:
      name: the test's name.
      srcs: the source that defines `extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t)`.
      corpus: a folder of this package; every file below it is one input. Must not be empty.
      deps: what srcs needs.
      mutations: how many mutated inputs the test makes of each file.
      size: as of cc_test.
      tags: as of cc_test.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        data = native.glob([corpus + "/**"]),
        env = {
            "FUZZ_CORPUS": native.package_name() + "/" + corpus,
            "FUZZ_MUTATIONS": str(mutations),
        },
        tags = tags,
        deps = deps + ["//test/fuzz:replay"],
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        tags = ["manual"],
        deps = deps,
    )
