#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct MHD_Daemon;

namespace nuncio::control {

// Answers GET and HEAD of a few paths by plain HTTP, on a thread of the library's.
class HttpEndpoint {
 public:
  struct Answer {
    unsigned status = 404;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Called on the endpoint's thread with the path, without query.
  using Handler = std::function<Answer(const std::string& path)>;

  // `address`: "127.0.0.1:18001" or "[::1]:18001"; port 0 for any free one.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Open(const std::string& address, Handler handler);
  // Returns when no handler runs any more.
  ~HttpEndpoint();

  // With the port that it has.
  const std::string& address() const { return address_; }
  const Handler& handler() const { return handler_; }

 private:
  explicit HttpEndpoint(Handler handler) : handler_(std::move(handler)) {}

  const Handler handler_;
  MHD_Daemon* daemon_ = nullptr;
  std::string address_;
};

}  // namespace nuncio::control
