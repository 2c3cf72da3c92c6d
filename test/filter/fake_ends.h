#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/base/strings.h"
#include "source/buffer/buffer.h"
#include "source/filter/http_filter_chain.h"
#include "source/http/message.h"

namespace nuncio::filter {

// Stands for the exchange around a chain: writes down what comes out of it. `Q` is the request's end, `A` the answer's;
// a full stop ends a message.
class FakeEnds final : public HttpFilterEnds {
 public:
  explicit FakeEnds(std::vector<std::string>& log) : log_(log) {}

  void OnFilteredRequestHead(http::RequestHead& head, bool end) override {
    request_head = &head;
    log_.push_back(StrCat("Q head", end ? "." : ""));
  }
  void OnFilteredRequestData(buffer::Buffer& data, bool end) override {
    log_.push_back(StrCat("Q ", data.ToString(), end ? "." : ""));
    request_body += data.ToString();
    data.Clear();
  }
  void OnFilteredRequestTrailers(http::HeaderMap&) override { log_.push_back("Q trailers."); }
  void OnFilteredInformational(http::ResponseHead& head) override { log_.push_back(StrCat("A ", head.status)); }
  void OnFilteredResponseHead(http::ResponseHead& head, bool end) override {
    response_head = &head;
    log_.push_back(StrCat("A ", head.status, end ? "." : ""));
  }
  void OnFilteredResponseData(buffer::Buffer& data, bool end) override {
    log_.push_back(StrCat("A ", data.ToString(), end ? "." : ""));
    response_body += data.ToString();
    data.Clear();
  }
  void OnFilteredResponseTrailers(http::HeaderMap& trailers) override {
    response_trailers = &trailers;
    log_.push_back("A trailers.");
  }
  void PauseRequest(bool pause) override { log_.push_back(pause ? "Q pause" : "Q resume"); }
  void PauseResponse(bool pause) override { log_.push_back(pause ? "A pause" : "A resume"); }
  void OnRequestTooLarge() override { EndWith("Q too large"); }
  void OnResponseTooLarge() override { EndWith("A too large"); }
  void SendLocalReply(const LocalReply& reply) override { EndWith(StrCat("reply ", reply.status)); }
  access_log::StreamInfo& info() override { return stream_info; }
  const route::Decision& decision() const override { return route_decision; }

  // Whoever answers himself ends both directions, as the exchange does.
  void EndWith(std::string what) {
    log_.push_back(std::move(what));
    if (chain == nullptr) return;
    chain->request().Close();
    chain->response().Close();
  }

  HttpFilterChain* chain = nullptr;
  access_log::StreamInfo stream_info;
  route::Decision route_decision;
  http::RequestHead* request_head = nullptr;
  http::ResponseHead* response_head = nullptr;
  http::HeaderMap* response_trailers = nullptr;
  std::string request_body;
  std::string response_body;

 private:
  std::vector<std::string>& log_;
};

}  // namespace nuncio::filter
