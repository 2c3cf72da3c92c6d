#include "source/http/header_id.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::http {
namespace {

const std::vector<std::string> kNames = {
#define X(identifier, name) name,
    NUNCIO_HTTP_HEADERS(X)
#undef X
};

TEST(HeaderIdTest, EveryNameIsFoundInAnyCase) {
  ASSERT_EQ(kNames.size(), kHeaderIdCount);
  for (size_t i = 0; i < kNames.size(); ++i) {
    const auto id = static_cast<HeaderId>(i);
    EXPECT_EQ(HeaderName(id), kNames[i]);
    EXPECT_EQ(FindHeaderId(kNames[i]), id) << kNames[i];
    std::string mixed = kNames[i];
    for (size_t j = 0; j < mixed.size(); j += 2) {
      if (mixed[j] >= 'a' && mixed[j] <= 'z') mixed[j] = static_cast<char>(mixed[j] - 0x20);
    }
    EXPECT_EQ(FindHeaderId(mixed), id) << mixed;
  }
}

// One changed character must not be taken for the name, though the hash looks at a few characters only and folds case
// by a bit that other characters have as well.
TEST(HeaderIdTest, NoNearMissIsFound) {
  for (const std::string& name : kNames) {
    for (size_t i = 0; i < name.size(); ++i) {
      for (int c = 0; c < 256; ++c) {
        std::string other = name;
        other[i] = static_cast<char>(c);
        if (AsciiToLower(other) == name) continue;
        const HeaderId id = FindHeaderId(other);
        if (id != HeaderId::kOther) {
          EXPECT_EQ(HeaderName(id), AsciiToLower(other)) << name << " with character " << c << " at " << i;
        }
      }
    }
    EXPECT_EQ(FindHeaderId(name + "x"), HeaderId::kOther);
    if (name != "via" && name != "te") {
      EXPECT_NE(FindHeaderId(name.substr(1)), FindHeaderId(name));
    }
  }
}

TEST(HeaderIdTest, UnknownNames) {
  EXPECT_EQ(FindHeaderId(""), HeaderId::kOther);
  EXPECT_EQ(FindHeaderId("x"), HeaderId::kOther);
  EXPECT_EQ(FindHeaderId("x-custom"), HeaderId::kOther);
  EXPECT_EQ(FindHeaderId(std::string(1000, 'a')), HeaderId::kOther);
  EXPECT_EQ(HeaderName(HeaderId::kOther), "");
}

}  // namespace
}  // namespace nuncio::http
