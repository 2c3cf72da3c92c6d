#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "test/upstream/pool/pool_fixture.h"

namespace nuncio::upstream {

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

// Pools for HTTP/1 towards one host.
class Http1PoolTest : public PoolFixture {
 protected:
  // A request that has its stream, and the server has it whole. `connection`: the server's number of it.
  std::unique_ptr<FakeRequest> Begin(size_t connection, bool fresh = false) {
    auto request = Ask(*host_, fresh);
    EXPECT_TRUE(Until([&] { return Requests(connection) > begun_[connection]; }));
    begun_[connection] = Requests(connection);
    return request;
  }
  size_t Requests(size_t connection) {
    if (server_.Accepted() <= connection) return 0;
    const std::string& received = server_.Received(connection);
    size_t count = 0;
    for (size_t at = 0; (at = received.find("\r\n\r\n", at)) != std::string::npos; at += 4) ++count;
    return count;
  }
  void Answer(FakeRequest& request, size_t connection) {
    server_.Send(connection, kOk);
    EXPECT_TRUE(Until([&] { return request.complete; }));
    EXPECT_EQ(request.body, "ok");
  }

  FakeServer server_;
  std::shared_ptr<const Host> host_ = MakeHost(server_.address());
  size_t begun_[16] = {};
};

}  // namespace nuncio::upstream
