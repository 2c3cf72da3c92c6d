#include "source/config/data_source.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::config {
namespace {

using ::testing::HasSubstr;
using envoy::config::core::v3::DataSource;

// What is read, or the faults.
std::string Read(const DataSource& source, size_t max_size = 100, DataSourceAccess access = DataSourceAccess::kRead) {
  Faults faults;
  const auto content = ReadDataSource(source, max_size, access, faults);
  EXPECT_EQ(content.has_value(), faults.empty());
  return content.value_or(faults.ToString());
}

DataSource File(const std::string& path) {
  DataSource source;
  source.set_filename(path);
  return source;
}

TEST(ReadDataSourceTest, InlineTexts) {
  DataSource source;
  source.set_inline_string("text");
  EXPECT_EQ(Read(source), "text");
  EXPECT_THAT(Read(source, 3), HasSubstr("inline_string: holds more than the 3 bytes"));
  source.set_inline_bytes(std::string("\0x", 2));
  EXPECT_EQ(Read(source), std::string("\0x", 2));
  EXPECT_THAT(Read(source, 1), HasSubstr("inline_bytes: "));
}

TEST(ReadDataSourceTest, Files) {
  const std::string path = StrCat(::testing::TempDir(), "/data");
  std::ofstream(path) << "content";
  EXPECT_EQ(Read(File(path), 7), "content");
  EXPECT_THAT(Read(File(path), 6), HasSubstr("filename: holds more than the 6 bytes"));
  EXPECT_THAT(Read(File("/no/such/file")), HasSubstr("filename: cannot open \"/no/such/file\": No such file"));
  EXPECT_THAT(Read(File(::testing::TempDir())), HasSubstr("is not a regular file"));
  EXPECT_THAT(Read(File(std::string("a\0b", 3))), HasSubstr("must be the path of a file"));
}

TEST(ReadDataSourceTest, FilesHaveALimitOfTheirOwn) {
  const std::string path = StrCat(::testing::TempDir(), "/large");
  std::ofstream(path) << std::string(kMaxDataSourceFileSize + 1, 'x');
  EXPECT_THAT(Read(File(path), SIZE_MAX), HasSubstr("holds more than the 1048576 bytes"));
}

// Opening one for reading would wait for a writer.
TEST(ReadDataSourceTest, AFifoIsRefusedAndNotWaitedFor) {
  const std::string path = StrCat(::testing::TempDir(), "/fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(Read(File(path)), HasSubstr("is not a regular file"));
}

TEST(ReadDataSourceTest, Variables) {
  DataSource source;
  source.set_environment_variable("NUNCIO_DATA_SOURCE_TEST");
  unsetenv("NUNCIO_DATA_SOURCE_TEST");
  EXPECT_THAT(Read(source), HasSubstr("environment_variable: the variable \"NUNCIO_DATA_SOURCE_TEST\" is not set"));
  setenv("NUNCIO_DATA_SOURCE_TEST", "value", 1);
  EXPECT_EQ(Read(source), "value");
}

TEST(ReadDataSourceTest, OthersFilesAndVariablesAreNotRead) {
  EXPECT_EQ(Read(File("/no/such/file"), 100, DataSourceAccess::kNamesOnly), "");
  DataSource source;
  source.set_environment_variable("NO_SUCH_VARIABLE");
  EXPECT_EQ(Read(source, 100, DataSourceAccess::kNamesOnly), "");
  source.set_inline_string("text");
  EXPECT_EQ(Read(source, 100, DataSourceAccess::kNamesOnly), "text");
}

TEST(ReadDataSourceTest, NothingIsSet) { EXPECT_THAT(Read(DataSource()), HasSubstr("must have one of filename")); }

}  // namespace
}  // namespace nuncio::config
