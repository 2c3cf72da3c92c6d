#include "source/buffer/buffer.h"

#include <cstring>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace nuncio::buffer {
namespace {

class BufferTest : public testing::Test {
 protected:
  SlicePool pool_;
  Buffer buffer_{pool_};

  static std::string Pattern(size_t size, char first = 'a') {
    std::string out(size, ' ');
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(first + i % 23);
    return out;
  }
};

TEST_F(BufferTest, EmptyBufferHoldsNoMemory) {
  buffer_.Append(Pattern(100000));
  EXPECT_GT(pool_.bytes_in_use(), 0u);
  buffer_.Drain(100000);
  EXPECT_TRUE(buffer_.empty());
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(BufferTest, AppendedBytesComeBackInOrderAcrossSlices) {
  std::string expected;
  for (size_t size : {1, 10, 2000, 40000, 3, 100000}) {
    buffer_.Append(Pattern(size));
    expected += Pattern(size);
  }
  EXPECT_EQ(buffer_.length(), expected.size());
  EXPECT_EQ(buffer_.ToString(), expected);
}

TEST_F(BufferTest, DrainTakesFromTheFront) {
  const std::string text = Pattern(70000);
  buffer_.Append(text);
  buffer_.Drain(1);
  buffer_.Drain(40000);
  EXPECT_EQ(buffer_.ToString(), text.substr(40001));
}

TEST_F(BufferTest, PrependStandsBeforeAll) {
  buffer_.Append("body");
  buffer_.Prepend("head ");
  EXPECT_EQ(buffer_.ToString(), "head body");
  buffer_.Drain(5);
  buffer_.Prepend("12345");
  EXPECT_EQ(buffer_.ToString(), "12345body");
}

TEST_F(BufferTest, ReserveAndCommitWriteInPlace) {
  char* at = buffer_.Reserve(10);
  memcpy(at, "0123456789", 10);
  buffer_.Commit(4);
  at = buffer_.Reserve(40000);
  memset(at, 'x', 40000);
  buffer_.Commit(40000);
  EXPECT_EQ(buffer_.ToString(), "0123" + std::string(40000, 'x'));
}

TEST_F(BufferTest, CommitReadKeepsWhatWasFilledAndReturnsTheRest) {
  iovec iov[8];
  const size_t count = buffer_.ReserveForRead(100000, iov, 8);
  ASSERT_GE(count, 2u);
  memset(iov[0].iov_base, 'a', iov[0].iov_len);
  memset(iov[1].iov_base, 'b', 10);
  buffer_.CommitRead(iov[0].iov_len + 10);
  EXPECT_EQ(buffer_.ToString(), std::string(iov[0].iov_len, 'a') + std::string(10, 'b'));
}

TEST_F(BufferTest, CommitReadOfNothingLeavesAnEmptyBufferEmpty) {
  iovec iov[8];
  buffer_.ReserveForRead(100000, iov, 8);
  buffer_.CommitRead(0);
  EXPECT_TRUE(buffer_.empty());
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(BufferTest, ReadingContinuesInTheTailsRoom) {
  buffer_.Append("start");
  iovec iov[8];
  const size_t count = buffer_.ReserveForRead(32000, iov, 8);
  size_t left = 32000;
  for (size_t i = 0; i < count && left > 0; ++i) {
    const size_t n = std::min(left, iov[i].iov_len);
    memset(iov[i].iov_base, 'r', n);
    left -= n;
  }
  buffer_.CommitRead(32000 - left);
  EXPECT_EQ(buffer_.ToString(), "start" + std::string(32000 - left, 'r'));
}

TEST_F(BufferTest, MovedBytesLeaveTheirSource) {
  Buffer other(pool_);
  const std::string text = Pattern(90000);
  other.Append(text);
  buffer_.Append("before ");
  buffer_.MoveFrom(other, 50000);
  EXPECT_EQ(buffer_.ToString(), "before " + text.substr(0, 50000));
  EXPECT_EQ(other.ToString(), text.substr(50000));
  buffer_.MoveFrom(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(buffer_.ToString(), "before " + text);
}

TEST_F(BufferTest, TricklingMovesDoNotPinALargeSliceEach) {
  for (int i = 0; i < 1000; ++i) {
    Buffer trickle(pool_);
    iovec iov[2];
    trickle.ReserveForRead(SlicePool::kLarge, iov, 2);
    memset(iov[0].iov_base, 'x', 10);
    trickle.CommitRead(10);
    buffer_.MoveFrom(trickle);
  }
  EXPECT_EQ(buffer_.length(), 10000u);
  EXPECT_LT(pool_.bytes_in_use(), 4 * SlicePool::kLarge);
}

TEST_F(BufferTest, LinearizeJoinsSlicesAndKeepsTheContent) {
  const std::string text = Pattern(100000);
  buffer_.Append(text);
  EXPECT_LT(buffer_.Front().size(), 60000u);
  EXPECT_EQ(buffer_.Linearize(60000).substr(0, 60000), text.substr(0, 60000));
  EXPECT_EQ(buffer_.ToString(), text);
}

TEST_F(BufferTest, CompactGivesBackWhatASmallRemainderPins) {
  iovec iov[2];
  buffer_.ReserveForRead(SlicePool::kLarge, iov, 2);
  memcpy(iov[0].iov_base, "GET / HT", 8);
  buffer_.CommitRead(8);
  buffer_.Compact();
  EXPECT_EQ(buffer_.ToString(), "GET / HT");
  EXPECT_LE(pool_.bytes_in_use(), SlicePool::kSmall);
}

TEST_F(BufferTest, DescribeCoversTheContent) {
  const std::string text = Pattern(80000);
  buffer_.Append(text);
  iovec iov[16];
  std::string seen;
  const size_t count = buffer_.Describe(iov, 16);
  for (size_t i = 0; i < count; ++i) seen.append(static_cast<char*>(iov[i].iov_base), iov[i].iov_len);
  EXPECT_EQ(seen, text);
}

// Against a std::string that does the same.
TEST_F(BufferTest, RandomOperationsAgreeWithAString) {
  std::mt19937 random(7);
  std::string model;
  std::string other_model;
  Buffer other(pool_);
  for (int step = 0; step < 20000; ++step) {
    const size_t size = random() % (random() % 10 == 0 ? 50000 : 600);
    switch (random() % 7) {
      case 0:
        buffer_.Append(Pattern(size));
        model += Pattern(size);
        break;
      case 1: {
        const size_t n = std::min(size, model.size());
        buffer_.Drain(n);
        model.erase(0, n);
        break;
      }
      case 2:
        other.Append(Pattern(size, 'A'));
        other_model += Pattern(size, 'A');
        break;
      case 3: {
        const size_t n = std::min(size, other_model.size());
        buffer_.MoveFrom(other, n);
        model += other_model.substr(0, n);
        other_model.erase(0, n);
        break;
      }
      case 4: {
        const size_t n = std::min(size, model.size());
        ASSERT_EQ(buffer_.Linearize(n).substr(0, n), model.substr(0, n));
        break;
      }
      case 5: {
        iovec iov[4];
        const size_t count = buffer_.ReserveForRead(size + 1, iov, 4);
        size_t capacity = 0;
        for (size_t i = 0; i < count; ++i) capacity += iov[i].iov_len;
        size_t n = std::min(size, capacity);
        std::string read = Pattern(n, '0');
        size_t done = 0;
        for (size_t i = 0; i < count && done < n; ++i) {
          const size_t part = std::min(n - done, iov[i].iov_len);
          memcpy(iov[i].iov_base, read.data() + done, part);
          done += part;
        }
        buffer_.CommitRead(n);
        model += read;
        break;
      }
      case 6:
        buffer_.Compact();
        break;
    }
    ASSERT_EQ(buffer_.length(), model.size());
    if (step % 100 == 0) {
      ASSERT_EQ(buffer_.ToString(), model);
    }
    if (model.size() > 500000) {
      buffer_.Clear();
      model.clear();
    }
  }
  EXPECT_EQ(buffer_.ToString(), model);
}

TEST(SlicePoolTest, ReusesSlicesInsteadOfAllocating) {
  SlicePool pool;
  Slice* first = pool.Take(100);
  pool.Return(first);
  EXPECT_EQ(pool.Take(100), first);
  pool.Return(first);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace nuncio::buffer
