#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/message.h"

namespace nuncio::filter {

class HttpFilterHandle;

// What becomes of a piece of a message after a filter has seen it.
enum class FilterVerdict : uint8_t {
  // It goes on to the next filter, together with what the filter had gathered before.
  kContinue,
  // Nothing goes on, and the filter is shown nothing more in this direction, until it resumes. What comes meanwhile
  // waits; too much of it stops the peer.
  kStop,
  // It waits with what follows, which the filter is shown as it comes. More than the limit is answered 413 (requests)
  // or 500 (answers). At the end of the message the same as kStop.
  kGather,
};

// What a filter wants of a body.
enum class BodyWish : uint8_t {
  kNone,    // Not to be shown it.
  kSee,     // To be shown it, and to leave it as it is.
  kChange,  // To change it: the message's `content-length` goes once the filter has seen the head.
};

// One filter in one exchange. Filters see the request in the order of their configuration and the answer in reverse.
// Lives in the stream's arena from the decision of the route to the end of the exchange; its destructor runs. One
// thread.
//
// Any call may end the exchange by a local reply; nothing is shown to the filter in that direction afterwards, whatever
// it returns. A filter must not resume a direction from within a call of that same direction: it returns kContinue
// instead.
class HttpFilter {
 public:
  virtual ~HttpFilter() = default;
  HttpFilter(const HttpFilter&) = delete;
  HttpFilter& operator=(const HttpFilter&) = delete;

  // `end_stream`: the head is the whole request.
  virtual FilterVerdict OnRequestHead(http::RequestHead&, bool /*end_stream*/) { return FilterVerdict::kContinue; }
  // Only with a wish. Data may be empty where it ends the message.
  virtual FilterVerdict OnRequestData(buffer::Buffer&, bool /*end_stream*/) { return FilterVerdict::kContinue; }
  // What is put into `data` goes before the trailers. Trailers that the filter leaves empty are not sent.
  virtual FilterVerdict OnRequestTrailers(http::HeaderMap&, buffer::Buffer& /*data*/) {
    return FilterVerdict::kContinue;
  }

  // A 1xx, which cannot be stopped.
  virtual void OnInformational(http::ResponseHead&) {}
  // The proxy's own answers come here too, but for those that replace an answer already on its way through the filters.
  virtual FilterVerdict OnResponseHead(http::ResponseHead&, bool /*end_stream*/) { return FilterVerdict::kContinue; }
  virtual FilterVerdict OnResponseData(buffer::Buffer&, bool /*end_stream*/) { return FilterVerdict::kContinue; }
  virtual FilterVerdict OnResponseTrailers(http::HeaderMap&, buffer::Buffer& /*data*/) {
    return FilterVerdict::kContinue;
  }

  // The exchange is over, complete or not, and about to be logged. Called once, nothing after it.
  virtual void OnStreamEnd() {}

  BodyWish request_body() const { return request_body_; }
  BodyWish response_body() const { return response_body_; }

 protected:
  explicit HttpFilter(HttpFilterHandle& stream) : stream_(stream) {}

  HttpFilterHandle& stream() const { return stream_; }
  // To be said before or while the filter is shown the head of that message.
  void WantRequestBody(BodyWish wish) { request_body_ = wish; }
  void WantResponseBody(BodyWish wish) { response_body_ = wish; }

 private:
  HttpFilterHandle& stream_;
  BodyWish request_body_ = BodyWish::kNone;
  BodyWish response_body_ = BodyWish::kNone;
};

}  // namespace nuncio::filter
