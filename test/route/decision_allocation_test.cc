// A decision and what follows from it take nothing from the heap, at any size of the table.
#include <cstdlib>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/route/decision.h"
#include "test/route/table.h"

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
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace nuncio::route {
namespace {

std::shared_ptr<const RouteTable> LargeTable() {
  std::string yaml = "request_headers_to_add: [{header: {key: x-table, value: t}}]\nvirtual_hosts:\n";
  for (int v = 0; v < 200; ++v) {
    StrAppend(yaml, "- {name: v", v, ", domains: [h", v, ".com, '*.h", v, ".com', 'h", v, ".*'], routes: [");
    for (int r = 0; r < 20; ++r) {
      StrAppend(
          yaml, "{match: {prefix: /r", r,
          "/, headers: [{name: x-a, string_match: {contains: A, ignore_case: true}}]}, ",
          "route: {cluster: c, prefix_rewrite: /new/, host_rewrite_literal: b.org, append_x_forwarded_host: true}},");
    }
    StrAppend(yaml, "{match: {prefix: /}, redirect: {https_redirect: true}}]}\n");
  }
  return TableOf(yaml);
}

TEST(DecisionAllocationTest, NothingFromTheHeap) {
  const auto table = LargeTable();
  ArenaBlockPool pool;
  Arena arena(pool);
  const std::string_view hosts[] = {"h0.com", "H199.com", "www.h100.com", "h17.org", "none.org"};
  const std::string_view paths[] = {"/r0/x", "/r19/x?q=1", "/other"};
  size_t forwards = 0;
  size_t redirects = 0;
  const auto run = [&] {
    for (const std::string_view host : hosts) {
      for (const std::string_view path : paths) {
        {
          http::RequestHead request(arena);
          request.method_text = "GET";
          request.scheme = "http";
          request.authority = host;
          request.path = path;
          request.headers.Add("X-A", "a");
          request.headers.Add("x-a", "b");
          const Decision decision = Decide(*table, request, 17);
          if (decision.kind == Decision::Kind::kForward) {
            forwards += RewriteRequest(decision, TestInput(request), true, request);
            RewriteResponse(decision, TestInput(request), request.headers);
          } else if (decision.kind == Decision::Kind::kRedirect) {
            redirects += RedirectLocation(decision, request).has_value();
          }
        }
        arena.Reset();
      }
    }
  };
  run();  // Fills the pool.
  forwards = redirects = 0;
  const size_t before = allocations;
  run();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(forwards, 8u);
  EXPECT_EQ(redirects, 4u);
}

}  // namespace
}  // namespace nuncio::route
