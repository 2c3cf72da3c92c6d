// Replays a fuzz corpus through LLVMFuzzerTestOneInput without a fuzzer: every file as it is, cut short, and mutated by
// a generator with a fixed seed, so that a failure comes again. The entry fails by crashing; the input at hand is
// named on stderr then.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

struct Input {
  std::string name;
  std::string bytes;
};

char current_input[512];

void SetCurrent(const std::string& name, const char* variant, size_t number) {
  snprintf(current_input, sizeof(current_input), "fuzz input that failed: %s, %s %zu\n", name.c_str(), variant, number);
}

void NameInput(int signal_number) {
  size_t length = 0;
  while (length < sizeof(current_input) && current_input[length] != '\0') ++length;
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, current_input, length);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// Runs the entry on an exact-size heap copy, so that a sanitizer sees a read past the end.
void RunEntry(const std::string& bytes) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  LLVMFuzzerTestOneInput(copy.get(), bytes.size());
}

const std::vector<Input>& Corpus() {
  static const std::vector<Input> corpus = [] {
    std::vector<Input> inputs;
    const char* folder = getenv("FUZZ_CORPUS");
    if (folder == nullptr) return inputs;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      inputs.push_back({entry.path().string(), std::string(std::istreambuf_iterator<char>(file), {})});
    }
    std::sort(inputs.begin(), inputs.end(), [](const Input& a, const Input& b) { return a.name < b.name; });
    return inputs;
  }();
  return corpus;
}

// Bytes that end, open or close something in one format or another.
constexpr char kInteresting[] = "\r\n\t :;,.{}[]\"'&*!#%@`|<>-+=/\\0123456789aAfFxX\x7f\x80\xff";

std::string Mutate(const std::string& original, std::mt19937& random) {
  std::string bytes = original;
  const int changes = 1 + random() % 4;
  for (int i = 0; i < changes; ++i) {
    const size_t at = bytes.empty() ? 0 : random() % bytes.size();
    const size_t length = bytes.empty() ? 0 : 1 + random() % std::min<size_t>(bytes.size() - at, 32);
    switch (random() % 6) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        if (!bytes.empty()) bytes[at] = kInteresting[random() % (sizeof(kInteresting) - 1)];
        break;
      case 2:
        bytes.insert(at, 1, kInteresting[random() % (sizeof(kInteresting) - 1)]);
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4: {
        const std::string piece = bytes.substr(at, length);
        bytes.insert(bytes.empty() ? 0 : random() % bytes.size(), piece);
        break;
      }
      case 5: {
        const std::string& other = Corpus()[random() % Corpus().size()].bytes;
        if (other.empty()) break;
        const size_t from = random() % other.size();
        bytes.insert(at, other.substr(from, 1 + random() % 64));
        break;
      }
    }
  }
  return bytes;
}

class FuzzCorpus : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGTERM}) {
      signal(signal_number, NameInput);
    }
  }

  void SetUp() override { ASSERT_FALSE(Corpus().empty()) << "no input below $FUZZ_CORPUS"; }
};

TEST_F(FuzzCorpus, EveryInputIsHandled) {
  for (const Input& input : Corpus()) {
    SetCurrent(input.name, "whole", 0);
    RunEntry(input.bytes);
  }
  SetCurrent("none", "empty", 0);
  RunEntry("");
}

TEST_F(FuzzCorpus, EveryInputCutShortIsHandled) {
  constexpr size_t kCuts = 128;
  for (const Input& input : Corpus()) {
    const size_t step = std::max<size_t>(1, input.bytes.size() / kCuts);
    for (size_t size = 0; size < input.bytes.size(); size += step) {
      SetCurrent(input.name, "cut to", size);
      RunEntry(input.bytes.substr(0, size));
    }
  }
}

TEST_F(FuzzCorpus, MutationsAreHandled) {
  const char* count = getenv("FUZZ_MUTATIONS");
  const size_t mutations = count == nullptr ? 64 : strtoul(count, nullptr, 10);
  for (const Input& input : Corpus()) {
    std::mt19937 random(static_cast<uint32_t>(input.bytes.size()));
    for (size_t i = 0; i < mutations; ++i) {
      SetCurrent(input.name, "mutation", i);
      RunEntry(Mutate(input.bytes, random));
    }
  }
}

}  // namespace
