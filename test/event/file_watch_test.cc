#include "source/event/file_watch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace nuncio::event {
namespace {

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() : directory_(MakeDirectory()) {}
  ~FileWatchTest() override { std::filesystem::remove_all(directory_); }

  static std::string MakeDirectory() {
    std::string path = ::testing::TempDir() + "/file_watch_XXXXXX";
    return mkdtemp(path.data());
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  void Write(const std::string& name) { std::ofstream(Path(name)) << "x"; }
  void Move(const std::string& from, const std::string& to) {
    ASSERT_EQ(0, rename(Path(from).c_str(), Path(to).c_str()));
  }
  // How often the watch told of a change since the last call.
  int Changes() {
    loop_.RunOnce();
    return std::exchange(changes_, 0);
  }
  void OnChange() { ++changes_; }
  Delegate<void()> Callback() { return Delegate<void()>::Bind<&FileWatchTest::OnChange>(this); }

  const std::string directory_;
  SimulatedClock clock_;
  EventLoop loop_{clock_};
  int changes_ = 0;
};

TEST_F(FileWatchTest, WritingClosesWithAChange) {
  FileWatch watch(loop_, Path("a"), "", Callback());
  Write("a");
  EXPECT_EQ(1, Changes());
  Write("b");
  EXPECT_EQ(0, Changes());
}

TEST_F(FileWatchTest, AnotherFileMovedOver) {
  Write("a");
  FileWatch watch(loop_, Path("a"), "", Callback());
  Write("a.new");
  EXPECT_EQ(0, Changes());
  Move("a.new", "a");
  EXPECT_EQ(1, Changes());
}

TEST_F(FileWatchTest, ALinkMadeInItsPlace) {
  Write("target");
  FileWatch watch(loop_, Path("a"), "", Callback());
  ASSERT_EQ(0, symlink("target", Path("a").c_str()));
  EXPECT_EQ(1, Changes());
}

TEST_F(FileWatchTest, AFileThatIsMadeIsNotWrittenYet) {
  FileWatch watch(loop_, Path("a"), "", Callback());
  std::ofstream file(Path("a"));
  EXPECT_EQ(0, Changes());
  file << "x";
  file.close();
  EXPECT_EQ(1, Changes());
}

TEST_F(FileWatchTest, KubernetesSwapsTheDataLink) {
  ASSERT_EQ(0, symlink("first", Path("..data").c_str()));
  FileWatch watch(loop_, Path("a"), "", Callback());
  ASSERT_EQ(0, symlink("second", Path("..data_tmp").c_str()));
  EXPECT_EQ(0, Changes());
  Move("..data_tmp", "..data");
  EXPECT_EQ(1, Changes());
}

TEST_F(FileWatchTest, AWatchedDirectoryTellsOfAnyMove) {
  std::filesystem::create_directory(Path("watched"));
  FileWatch watch(loop_, Path("a"), Path("watched"), Callback());
  Write("a");
  Write("watched/b");
  EXPECT_EQ(0, Changes());
  Move("watched/b", "watched/c");
  EXPECT_EQ(1, Changes());
}

TEST_F(FileWatchTest, ADirectoryThatComesLater) {
  FileWatch watch(loop_, Path("later/a"), "", Callback());
  std::filesystem::create_directory(Path("later"));
  Write("later/a");
  EXPECT_EQ(0, Changes());
  clock_.Advance(FileWatch::kRetry);
  EXPECT_EQ(1, Changes());
  Write("later/a");
  EXPECT_EQ(1, Changes());
}

}  // namespace
}  // namespace nuncio::event
