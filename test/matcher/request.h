#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "source/base/arena.h"
#include "source/http/message.h"

namespace nuncio::matcher {

// A request with everything it lives in.
struct TestRequest {
  ArenaBlockPool pool;
  Arena arena{pool};
  http::RequestHead head{arena};

  TestRequest(std::string_view authority, std::string_view path,
              std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {}) {
    head.method_text = "GET";
    head.method = http::Method::kGet;
    head.scheme = "http";
    head.authority = arena.Copy(authority);
    head.path = arena.Copy(path);
    for (const auto& [name, value] : headers) head.headers.Add(name, value);
  }
};

}  // namespace nuncio::matcher
