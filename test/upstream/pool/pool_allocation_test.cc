// A request on a kept connection takes nothing from the heap, from asking for a stream to the end of the answer.
#include <sys/socket.h>

#include <cstdlib>
#include <new>
#include <string_view>

#include "gtest/gtest.h"
#include "test/upstream/pool/pool_fixture.h"

namespace {
// Counts all allocations of this single-threaded test.
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  void* const memory = malloc(size == 0 ? 1 : size);
  if (memory == nullptr) abort();
  return memory;
}
void* operator new(size_t size, std::align_val_t alignment) {
  ++allocations;
  void* const memory = aligned_alloc(static_cast<size_t>(alignment), (size + static_cast<size_t>(alignment) - 1) &
                                                                         ~(static_cast<size_t>(alignment) - 1));
  if (memory == nullptr) abort();
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { free(memory); }

namespace nuncio::upstream {
namespace {

class PoolAllocationTest : public PoolFixture {};

TEST_F(PoolAllocationTest, NothingFromTheHeapOnAKeptConnection) {
  FakeServer server;
  const auto host = MakeHost(server.address());
  const auto exchange = [&](bool first) {
    FakeRequest request(blocks_);
    Ask(request, *host);
    if (first) {
      ASSERT_TRUE(Until([&] { return request.got_stream && server.Accepted() == 1; }));
    }
    ASSERT_TRUE(request.got_stream);
    char bytes[4096];
    while (recv(server.fd(0), bytes, sizeof(bytes), 0) <= 0) loop_.RunOnce();
    static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok";
    ASSERT_EQ(send(server.fd(0), kAnswer.data(), kAnswer.size(), 0), static_cast<ssize_t>(kAnswer.size()));
    while (!request.complete) loop_.RunOnce();
  };
  for (int i = 0; i < 20; ++i) exchange(i == 0);
  const size_t before = allocations;
  for (int i = 0; i < 200; ++i) exchange(false);
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
}

TEST_F(PoolAllocationTest, NothingFromTheHeapWhereRequestsWait) {
  config_->circuit_breakers[0].max_connections = 1;
  FakeServer server;
  const auto host = MakeHost(server.address());
  // Two at a time over one connection: every request waits for the one before.
  const auto exchange = [&] {
    FakeRequest first(blocks_);
    FakeRequest second(blocks_);
    Ask(first, *host);
    Ask(second, *host);
    for (FakeRequest* request : {&first, &second}) {
      while (!request->got_stream || server.Accepted() == 0) loop_.RunOnce();
      char bytes[4096];
      while (recv(server.fd(0), bytes, sizeof(bytes), 0) <= 0) loop_.RunOnce();
      static constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";
      ASSERT_EQ(send(server.fd(0), kAnswer.data(), kAnswer.size(), 0), static_cast<ssize_t>(kAnswer.size()));
      while (!request->complete) loop_.RunOnce();
    }
  };
  for (int i = 0; i < 20; ++i) exchange();
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) exchange();
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
}

}  // namespace
}  // namespace nuncio::upstream
