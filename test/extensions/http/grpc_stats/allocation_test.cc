// Calls of methods that were seen before take nothing from the heap.
#include <cstdlib>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "source/extensions/http/grpc_stats/filter.h"
#include "test/extensions/http/http_filter_fixture.h"

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

namespace nuncio::extensions {
namespace {

class GrpcStatsAllocationTest : public HttpFilterFixture {
 protected:
  // What the filter allocates in a call of this method.
  size_t Call(std::string_view path) {
    Arena arena(pool_);
    http::RequestHead request(arena);
    request.path = path;
    request.headers.Add("content-type", "application/grpc");
    http::ResponseHead response(arena);
    response.status = 200;
    response.headers.Add("content-type", "application/grpc");
    http::HeaderMap trailers(arena);
    trailers.Add("grpc-status", "0");
    buffer::Buffer data(slices_);
    data.Append(Frame("message"));
    filter::HttpFilterHandle handle(chain_, slot_, nullptr);
    ends_.stream_info.upstream_request_end = std::chrono::milliseconds(1);
    ends_.stream_info.response_end = std::chrono::milliseconds(4);

    const size_t before = allocations;
    filter::HttpFilter* const filter = factory_->Create(handle, arena);
    filter->OnRequestHead(request, false);
    filter->OnRequestData(data, true);
    filter->OnResponseHead(response, false);
    filter->OnResponseData(data, false);
    filter->OnResponseTrailers(trailers, data);
    filter->OnStreamEnd();
    filter->~HttpFilter();
    return allocations - before;
  }

  std::shared_ptr<GrpcStatsConfig> Config() {
    auto config = std::make_shared<GrpcStatsConfig>();
    config->all_methods = true;
    config->upstream_time = true;
    return config;
  }

  std::vector<std::string> log_;
  ArenaBlockPool pool_;
  Arena arena_{pool_};
  filter::FakeEnds ends_{log_};
  filter::HttpFilterChain chain_{ends_, arena_, slices_, 1, 0};
  filter::HttpFilterSlot slot_{chain_, nullptr, slices_};
  std::unique_ptr<filter::HttpFilterFactory> factory_ = MakeGrpcStatsFactory(Config(), services());
};

TEST_F(GrpcStatsAllocationTest, NothingFromTheHeapForAKnownMethod) {
  ends_.route_decision.kind = route::Decision::Kind::kForward;
  ends_.route_decision.cluster = "backend";
  EXPECT_GT(Call("/helloworld.Greeter/SayHello"), 0u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Call("/helloworld.Greeter/SayHello"), 0u);
  EXPECT_EQ(Stat("cluster.backend.grpc.helloworld.Greeter.SayHello.success"), 11);
}

}  // namespace
}  // namespace nuncio::extensions
