#include "source/http/path.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::http {
namespace {

class PathTest : public testing::Test {
 protected:
  // The path afterwards, or what is to be answered.
  std::string Apply(std::string_view path, const PathNormalization& normalization) {
    switch (NormalizePath(&path, normalization, arena_)) {
      case PathAction::kForward:
        return std::string(path);
      case PathAction::kRedirect:
        return "redirect " + std::string(path);
      case PathAction::kReject:
        return "reject";
    }
    return "";
  }
  std::string Normalize(std::string_view path) { return Apply(path, {.normalize = true}); }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
};

TEST_F(PathTest, NothingIsDoneUnasked) {
  EXPECT_EQ(Apply("/a/../b//c%2fd\\e%00", {}), "/a/../b//c%2fd\\e%00");
}

TEST_F(PathTest, PathsInOrderAreNotCopied) {
  const std::string_view path = "/a/b.c/...d/.?x=/../";
  std::string_view after = "/a/b.c/d.?x=/../%2e";
  const char* const before = after.data();
  EXPECT_EQ(NormalizePath(&after, {.normalize = true, .merge_slashes = true,
                                   .escaped_slashes = EscapedSlashes::kUnescapeAndForward}, arena_),
            PathAction::kForward);
  EXPECT_EQ(after.data(), before);
  EXPECT_EQ(Normalize(path), "/a/b.c/...d/?x=/../");
}

TEST_F(PathTest, DotSegments) {
  EXPECT_EQ(Normalize("/a/b/../c"), "/a/c");
  EXPECT_EQ(Normalize("/a/b/./c"), "/a/b/c");
  EXPECT_EQ(Normalize("/a/b/../../../../c"), "/c");
  EXPECT_EQ(Normalize("/.."), "/");
  EXPECT_EQ(Normalize("/."), "/");
  EXPECT_EQ(Normalize("/a/.."), "/");
  EXPECT_EQ(Normalize("/a/b/.."), "/a/");
  EXPECT_EQ(Normalize("/a/b/."), "/a/b/");
  EXPECT_EQ(Normalize("/a/..b/.c/..."), "/a/..b/.c/...");
  EXPECT_EQ(Normalize("/a//../b"), "/a/b");
  // RFC 3986 5.4.
  EXPECT_EQ(Normalize("/b/c/d;p/../g;x=1/./y"), "/b/c/g;x=1/y");
}

TEST_F(PathTest, EscapedDotsAndBackslashes) {
  EXPECT_EQ(Normalize("/a/b/%2E%2E/c"), "/a/c");
  EXPECT_EQ(Normalize("/a/b/.%2e/c"), "/a/c");
  EXPECT_EQ(Normalize("/a/%2e/c"), "/a/c");
  EXPECT_EQ(Normalize("/a\\..\\c"), "/c");
  EXPECT_EQ(Normalize("/a/..%5cc"), "/a/..%5cc");
}

TEST_F(PathTest, OnlyUnreservedEscapesAreDecoded) {
  EXPECT_EQ(Normalize("/%41%7E%2D%5f%39"), "/A~-_9");
  EXPECT_EQ(Normalize("/%c0%af"), "/%c0%af");
  EXPECT_EQ(Normalize("/%5c%25%2F%2f"), "/%5c%25%2F%2f");
  EXPECT_EQ(Normalize("/%zz%4"), "/%zz%4");
}

TEST_F(PathTest, DecodingMakesNoNewEscape) {
  EXPECT_EQ(Normalize("/%252e%252e/x"), "/%252e%252e/x");
  EXPECT_EQ(Normalize("/%%32e/x"), "/%%32e/x");
  EXPECT_EQ(Normalize("/%2%65/x"), "/%2%65/x");
  EXPECT_EQ(Normalize("/%%32%65/x"), "/%%32e/x");
}

TEST_F(PathTest, EscapedNulIsRejected) {
  EXPECT_EQ(Normalize("/a%00"), "reject");
  EXPECT_EQ(Normalize("/a?%00"), "/a?%00");
}

TEST_F(PathTest, TheQueryStays) {
  EXPECT_EQ(Normalize("/a/../b?c=/../d//e%2e"), "/b?c=/../d//e%2e");
  EXPECT_EQ(Apply("/a//b?c//d", {.merge_slashes = true}), "/a/b?c//d");
}

TEST_F(PathTest, MergedSlashes) {
  EXPECT_EQ(Apply("//a///b/", {.merge_slashes = true}), "/a/b/");
  EXPECT_EQ(Apply("///", {.merge_slashes = true}), "/");
  // Dot segments first: what they leave is merged as well.
  EXPECT_EQ(Apply("/a/..//b", {.normalize = true, .merge_slashes = true}), "/b");
  EXPECT_EQ(Normalize("/a/..//b"), "//b");
}

TEST_F(PathTest, EscapedSlashes) {
  const std::string_view path = "/a%2F..%5cb%2f?c=%2F";
  EXPECT_EQ(Apply(path, {.escaped_slashes = EscapedSlashes::kRejectRequest}), "reject");
  EXPECT_EQ(Apply(path, {.escaped_slashes = EscapedSlashes::kUnescapeAndForward}), "/a/..\\b/?c=%2F");
  EXPECT_EQ(Apply(path, {.escaped_slashes = EscapedSlashes::kUnescapeAndRedirect}), "redirect /a/..\\b/?c=%2F");
  // Unescaped slashes end segments like others.
  EXPECT_EQ(Apply(path, {.normalize = true, .escaped_slashes = EscapedSlashes::kUnescapeAndForward}), "/b/?c=%2F");
  EXPECT_EQ(Apply("/a?b=%2f", {.escaped_slashes = EscapedSlashes::kRejectRequest}), "/a?b=%2f");
  EXPECT_EQ(Apply("/a%2", {.escaped_slashes = EscapedSlashes::kRejectRequest}), "/a%2");
}

TEST_F(PathTest, OtherFormsOfTargetsAreLeftAlone) {
  EXPECT_EQ(Normalize("*"), "*");
  EXPECT_EQ(Normalize(""), "");
}

}  // namespace
}  // namespace nuncio::http
