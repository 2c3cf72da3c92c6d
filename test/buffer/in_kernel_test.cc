#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/buffer.h"
#include "source/buffer/splice_pipe.h"

namespace nuncio::buffer {
namespace {

// Two ends of a stream; neither blocks.
class InKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, in_));
    ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, out_));
  }
  void TearDown() override {
    for (const int fd : {in_[0], in_[1], out_[0], out_[1]}) close(fd);
  }
  // Sends the text to the buffer's socket and has it read.
  void Read(Buffer& buffer, std::string_view text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), send(in_[0], text.data(), text.size(), 0));
    ssize_t n = 0;
    ASSERT_TRUE(buffer.ReadInKernel(in_[1], 0, &loan_, &n));
    ASSERT_EQ(n, static_cast<ssize_t>(text.size()));
  }
  std::string Received() {
    char text[4096];
    const ssize_t n = recv(out_[1], text, sizeof(text), 0);
    return n < 0 ? "" : std::string(text, static_cast<size_t>(n));
  }

  SlicePool pool_;
  uint64_t loan_ = 0;
  int in_[2];
  int out_[2];
};

TEST_F(InKernelTest, GoesFromBufferToBufferAndOutInItsPlace) {
  Buffer first(pool_);
  Buffer second(pool_);
  second.Append("before ");
  Read(first, "through the kernel");
  EXPECT_EQ(first.length(), 18u);
  EXPECT_TRUE(first.begins_in_kernel());
  second.MoveFrom(first);
  second.Append(" behind");
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.length(), 32u);
  EXPECT_FALSE(second.begins_in_kernel());
  iovec runs[4];
  ASSERT_EQ(second.Describe(runs, 4), 1u) << "up to what is in the kernel";
  EXPECT_EQ(runs[0].iov_len, 7u);
  second.Drain(7);
  ASSERT_TRUE(second.begins_in_kernel());
  EXPECT_EQ(second.WriteInKernel(out_[0]), 18);
  EXPECT_EQ(Received(), "through the kernel");
  EXPECT_EQ(second.ToString(), " behind");
}

TEST_F(InKernelTest, LeavesByPartsWhereTheSocketTakesNoMore) {
  const std::string text(100'000, 'x');
  Buffer buffer(pool_);
  const int size = 4096;
  setsockopt(out_[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  Read(buffer, text);
  size_t received = 0;
  while (!buffer.empty()) {
    const ssize_t n = buffer.WriteInKernel(out_[0]);
    ASSERT_TRUE(n > 0 || errno == EAGAIN);
    std::string part;
    while (!(part = Received()).empty()) received += part.size();
  }
  EXPECT_EQ(received, text.size());
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
}

TEST_F(InKernelTest, TakesNoMoreThanItsLimit) {
  Buffer buffer(pool_);
  ASSERT_EQ(10, send(in_[0], "0123456789", 10, 0));
  ssize_t n = 0;
  ASSERT_TRUE(buffer.ReadInKernel(in_[1], 4, &loan_, &n));
  EXPECT_EQ(n, 4);
  EXPECT_EQ(buffer.length(), 4u);
}

TEST_F(InKernelTest, WaitsForThePipeOfTheLastTime) {
  Buffer buffer(pool_);
  Read(buffer, "slow");
  ssize_t n = 0;
  EXPECT_FALSE(buffer.ReadInKernel(in_[1], 0, &loan_, &n));
  uint64_t other = 0;
  EXPECT_TRUE(buffer.ReadInKernel(in_[1], 0, &other, &n)) << "another socket has a pipe of its own";
  EXPECT_EQ(buffer.WriteInKernel(out_[0]), 4);
  Read(buffer, "again");
}

TEST_F(InKernelTest, TellsOfNothingAndOfTheEnd) {
  Buffer buffer(pool_);
  ssize_t n = 0;
  ASSERT_TRUE(buffer.ReadInKernel(in_[1], 0, &loan_, &n));
  EXPECT_EQ(n, -1);
  EXPECT_EQ(errno, EAGAIN);
  shutdown(in_[0], SHUT_WR);
  ASSERT_TRUE(buffer.ReadInKernel(in_[1], 0, &loan_, &n));
  EXPECT_EQ(n, 0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(pool_.pipes().made(), 1u) << "it was given back";
}

TEST_F(InKernelTest, WhatIsDroppedTakesItsPipeWithIt) {
  {
    Buffer buffer(pool_);
    Read(buffer, "dropped");
    EXPECT_EQ(pool_.pipes().made(), 1u);
  }
  EXPECT_EQ(pool_.pipes().made(), 0u);
  EXPECT_EQ(pool_.bytes_in_use(), 0u);
  Buffer buffer(pool_);
  Read(buffer, "next");
  EXPECT_EQ(buffer.WriteInKernel(out_[0]), 4);
  EXPECT_EQ(Received(), "next");
}

TEST_F(InKernelTest, PipesAreLimitedAndLentAgain) {
  SplicePipes pipes;
  std::vector<std::unique_ptr<SplicePipe>> taken;
  while (std::unique_ptr<SplicePipe> pipe = pipes.Take()) taken.push_back(std::move(pipe));
  ASSERT_GT(taken.size(), 0u);
  EXPECT_LE(taken.size(), SplicePipes::kMaxPipes);
  ASSERT_EQ(5, send(in_[0], "bytes", 5, 0));
  ASSERT_EQ(5, taken.back()->Fill(in_[1], 0));
  const size_t made = pipes.made();
  pipes.Return(std::move(taken.back()));
  taken.pop_back();
  EXPECT_EQ(pipes.made(), made - 1) << "one with bytes in it is not lent again";
  pipes.Return(std::move(taken.back()));
  taken.pop_back();
  EXPECT_EQ(pipes.Take()->length(), 0u);
  EXPECT_EQ(pipes.made(), made - 1);
}

}  // namespace
}  // namespace nuncio::buffer
