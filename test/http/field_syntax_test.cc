#include "source/http/field_syntax.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::http {
namespace {

TEST(FieldSyntaxTest, TokenCharacters) {
  // RFC 9110 5.6.2.
  const std::string allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    EXPECT_EQ(IsTokenChar(character), allowed.find(character) != std::string::npos) << c;
  }
  EXPECT_FALSE(IsToken(""));
  EXPECT_TRUE(IsToken("x-name"));
  EXPECT_FALSE(IsToken("x name"));
}

TEST(FieldSyntaxTest, FieldValueCharacters) {
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(IsFieldValueChar(static_cast<char>(c)), c == '\t' || (c >= 0x20 && c != 0x7f)) << c;
  }
}

TEST(FieldSyntaxTest, TargetCharacters) {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c > 0x20 && c < 0x7f && c != '"' && c != '#' && c != '<' && c != '>';
    EXPECT_EQ(IsTargetChar(static_cast<char>(c)), allowed) << c;
  }
}

// Every character at every place of texts that are shorter and longer than what is looked at in one step; what follows
// the end must not matter.
TEST(FieldSyntaxTest, SkippingStopsExactlyAtTheFirstForbiddenCharacter) {
  for (size_t size = 0; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(c);
        const std::string padded = text + std::string(kScanPadding, '\r');
        const char* const begin = padded.data();
        const char* const end = begin + size;
        const bool allowed = IsFieldValueChar(static_cast<char>(c));
        ASSERT_EQ(SkipFieldValue(begin, end), allowed ? end : begin + at) << size << " " << at << " " << c;
      }
    }
    const std::string padded = std::string(size, 'a') + std::string(kScanPadding, ':');
    ASSERT_EQ(SkipTo(padded.data(), padded.data() + size, ':'), padded.data() + size);
    for (size_t at = 0; at < size; ++at) {
      std::string text = padded;
      text[at] = ':';
      ASSERT_EQ(SkipTo(text.data(), text.data() + size, ':'), text.data() + at);
    }
  }
}

TEST(FieldSyntaxTest, HexValues) {
  EXPECT_EQ(HexValue('0'), 0);
  EXPECT_EQ(HexValue('9'), 9);
  EXPECT_EQ(HexValue('a'), 10);
  EXPECT_EQ(HexValue('F'), 15);
  EXPECT_EQ(HexValue('g'), -1);
  EXPECT_EQ(HexValue('/'), -1);
  EXPECT_EQ(HexValue(':'), -1);
}

}  // namespace
}  // namespace nuncio::http
