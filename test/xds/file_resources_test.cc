#include "source/xds/file_resources.h"

#include <filesystem>
#include <fstream>

#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

using config::ResourceNames;

class FileResourcesTest : public XdsTest {
 protected:
  FileResourcesTest() { Start(); }
  static std::string Text(std::string_view version, const Texts& words) {
    std::string text = StrCat("version_info: '", version, "'\nresources:\n");
    for (const std::string& word : words) {
      StrAppend(text, "- '@type': type.googleapis.com/google.protobuf.StringValue\n  value: '", word, "'\n");
    }
    return text;
  }
  static void Write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  void Replace(std::string_view text) {
    Write(path() + ".new", text);
    std::filesystem::rename(path() + ".new", path());
    Settle();
  }
  std::string path() const { return directory_ + "/words.yaml"; }
  config::ConfigSource source(std::string watched = "") const {
    return {config::FileSource{path(), std::move(watched)}};
  }

  const WordType words_{"type.googleapis.com/google.protobuf.StringValue", true};
  Watcher watcher_;
};

TEST_F(FileResourcesTest, IsReadAndReadAgainWhenAFileIsMovedOverIt) {
  Write(path(), Text("1", {"a=x", "b=y"}));
  const auto words = Subscribe(words_, ResourceNames::All(), watcher_, source());
  Settle();
  EXPECT_EQ((Texts{"+a=x@1", "+b=y@1"}), watcher_.Take());
  Replace(Text("2", {"a=new"}));
  EXPECT_EQ((Texts{"+a=new@2", "-b"}), watcher_.Take());
  EXPECT_EQ("2", watcher_.stats.version_text.value());
  EXPECT_EQ(2u, watcher_.stats.update_success.value());
}

TEST_F(FileResourcesTest, IsReadAgainWhenItIsWrittenInPlace) {
  Write(path(), Text("1", {"a=x"}));
  const auto words = Subscribe(words_, ResourceNames::All(), watcher_, source());
  Settle();
  watcher_.Take();
  Write(path(), Text("2", {"a=y"}));
  Settle();
  EXPECT_EQ(Texts{"+a=y@2"}, watcher_.Take());
}

TEST_F(FileResourcesTest, ALinkSwappedAsKubernetesDoesIsAChange) {
  std::filesystem::create_directory(directory_ + "/one");
  std::filesystem::create_directory(directory_ + "/two");
  Write(directory_ + "/one/words.yaml", Text("1", {"a=x"}));
  Write(directory_ + "/two/words.yaml", Text("2", {"a=y"}));
  std::filesystem::create_symlink("one", directory_ + "/..data");
  std::filesystem::create_symlink("..data/words.yaml", path());
  Watcher other;
  const auto words = Subscribe(words_, ResourceNames::All(), watcher_, source());
  const auto watched = Subscribe(words_, ResourceNames::All(), other, source(directory_));
  Settle();
  EXPECT_EQ(Texts{"+a=x@1"}, watcher_.Take());
  EXPECT_EQ(Texts{"+a=x@1"}, other.Take());
  std::filesystem::create_symlink("two", directory_ + "/..data_tmp");
  std::filesystem::rename(directory_ + "/..data_tmp", directory_ + "/..data");
  Settle();
  EXPECT_EQ(Texts{"+a=y@2"}, watcher_.Take());
  EXPECT_EQ(Texts{"+a=y@2"}, other.Take());
}

TEST_F(FileResourcesTest, FaultsKeepWhatWasGood) {
  Write(path(), Text("1", {"a=x", "b=y"}));
  const auto words = Subscribe(words_, ResourceNames::All(), watcher_, source());
  Settle();
  watcher_.Take();
  Replace("resources: [");
  EXPECT_EQ(Texts{}, watcher_.Take());
  EXPECT_EQ(1u, watcher_.stats.update_failure.value());
  Replace(Text("3", {"a=bad", "b=new"}));
  EXPECT_EQ(Texts{"+b=new@3"}, watcher_.Take());
  EXPECT_EQ(1u, watcher_.stats.update_rejected.value());
}

TEST_F(FileResourcesTest, AFileThatIsNotThereIsNoSourceUntilItIs) {
  const auto words = Subscribe(words_, ResourceNames::All(), watcher_, source());
  Settle();
  const Texts told = watcher_.Take();
  ASSERT_EQ(1u, told.size());
  EXPECT_TRUE(told[0].starts_with("failed: ")) << told[0];
  Replace(Text("1", {"a=x"}));
  EXPECT_EQ(Texts{"+a=x@1"}, watcher_.Take());
}

}  // namespace
}  // namespace nuncio::xds
