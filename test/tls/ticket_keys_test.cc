#include "source/tls/ticket_keys.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::tls {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(TicketKeysTest, GivenKeysAreTakenApartInOrder) {
  std::string first(16, 'n');
  first += std::string(32, 'h') + std::string(32, 'a');
  const auto keys = TicketKeys::Given({first, std::string(80, 'o')});
  ASSERT_TRUE(keys.ok());
  const auto list = (*keys)->At(MonotonicTime());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].name[15], 'n');
  EXPECT_EQ((*list)[0].hmac_key[0], 'h');
  EXPECT_EQ((*list)[0].aes_key[0], 'a');
  EXPECT_EQ((*list)[1].name[0], 'o');
  EXPECT_EQ((*keys)->At(MonotonicTime() + hours(1000)), list);
}

TEST(TicketKeysTest, AKeyOfAnotherLengthIsRefused) {
  EXPECT_FALSE(TicketKeys::Given({std::string(79, 'x')}).ok());
  EXPECT_FALSE(TicketKeys::Given({std::string(80, 'x'), ""}).ok());
}

TEST(TicketKeysTest, MadeKeysRotateAndTheOneBeforeStillOpens) {
  const auto keys = TicketKeys::Rotating();
  const MonotonicTime start = MonotonicTime() + hours(1);
  const auto first = keys->At(start);
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(keys->At(start + TicketKeys::kRotation - minutes(1)), first);
  const auto second = keys->At(start + TicketKeys::kRotation);
  ASSERT_EQ(second->size(), 2u);
  EXPECT_EQ((*second)[1].name, (*first)[0].name);
  EXPECT_NE((*second)[0].name, (*first)[0].name);
  const auto third = keys->At(start + 2 * TicketKeys::kRotation);
  ASSERT_EQ(third->size(), 2u);
  EXPECT_EQ((*third)[1].name, (*second)[0].name);
}

TEST(TicketKeysTest, AfterALongPauseNoOldKeyOpens) {
  const auto keys = TicketKeys::Rotating();
  const MonotonicTime start = MonotonicTime() + hours(1);
  keys->At(start);
  EXPECT_EQ(keys->At(start + 2 * TicketKeys::kRotation + minutes(1))->size(), 1u);
}

TEST(TicketKeysTest, TheProcessHasOneSet) { EXPECT_EQ(TicketKeys::OfProcess(), TicketKeys::OfProcess()); }

}  // namespace
}  // namespace nuncio::tls
