#pragma once

#include <cstddef>
#include <cstdint>

#include "source/access_log/stream_info.h"
#include "source/base/arena.h"
#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/http_filter_path.h"
#include "source/filter/local_reply.h"
#include "source/route/decision.h"

namespace nuncio::filter {

// What a chain of filters stands between: the exchange, which takes what passed the filters. A fake in tests.
class HttpFilterEnds {
 public:
  virtual void OnFilteredRequestHead(http::RequestHead& head, bool end_stream) = 0;
  virtual void OnFilteredRequestData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void OnFilteredRequestTrailers(http::HeaderMap& trailers) = 0;
  virtual void OnFilteredInformational(http::ResponseHead& head) = 0;
  virtual void OnFilteredResponseHead(http::ResponseHead& head, bool end_stream) = 0;
  virtual void OnFilteredResponseData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void OnFilteredResponseTrailers(http::HeaderMap& trailers) = 0;
  // Too much waits at a filter / no longer.
  virtual void PauseRequest(bool pause) = 0;
  virtual void PauseResponse(bool pause) = 0;
  // More was gathered than the limit allows. Ends the direction.
  virtual void OnRequestTooLarge() = 0;
  virtual void OnResponseTooLarge() = 0;
  virtual void SendLocalReply(const LocalReply& reply) = 0;
  virtual access_log::StreamInfo& info() = 0;
  virtual const route::Decision& decision() const = 0;

 protected:
  ~HttpFilterEnds() = default;
};

struct RequestDirection {
  using Head = http::RequestHead;
};
struct ResponseDirection {
  using Head = http::ResponseHead;
};

class HttpFilterChain;

// A filter's view of its exchange. Lives as long as the filter.
class HttpFilterHandle {
 public:
  HttpFilterHandle(HttpFilterChain& chain, HttpFilterSlot& slot, const route::FilterSettings* settings)
      : chain_(chain), slot_(slot), settings_(settings) {}

  // After kStop or kGather: lets go what waits, then shows the filter what it has not seen of it. Not from within a
  // call of the same direction; from anywhere else on the stream's thread, until OnStreamEnd.
  void ResumeRequest();
  void ResumeResponse();
  // Answers in the upstream's place. Where an answer is on its way through the filters already this one goes past them,
  // and where its head was sent the stream is reset. Nothing of the request goes on.
  void SendLocalReply(const LocalReply& reply);
  // The most that may be gathered of the request; 0: no limit. Unset: the connection's limit.
  void SetRequestBufferLimit(uint32_t bytes);

  access_log::StreamInfo& info() const;
  // The route is decided before the first filter sees the request, and stays.
  const route::Decision& decision() const;
  // What the most specific of cluster, route, virtual host and table says to this filter; null: nothing.
  const route::FilterSettings* settings() const { return settings_; }
  Arena& arena() const;
  buffer::SlicePool& slices() const;

 private:
  HttpFilterChain& chain_;
  HttpFilterSlot& slot_;
  const route::FilterSettings* const settings_;
};

// A filter in its place.
struct HttpFilterSlot {
  HttpFilterSlot(HttpFilterChain& chain, const route::FilterSettings* settings, buffer::SlicePool& pool)
      : handle(chain, *this, settings), request(pool), response(pool) {}

  HttpFilterHandle handle;
  HttpFilter* filter = nullptr;
  WaitingMessage<http::RequestHead> request;
  WaitingMessage<http::ResponseHead> response;
};

// Which of a connection manager's filters an exchange has, and what its route says to them.
struct FilterChoice {
  bool enabled = false;
  const route::FilterSettings* settings = nullptr;
};
FilterChoice ChooseFilter(const HttpFilterEntry& entry, const route::Decision& decision);

// The filters of one exchange, without the router. Messages go in here and come out at the ends. Lives in the stream's
// arena, with all that belongs to it; the owner runs its destructor. One thread.
class HttpFilterChain {
 public:
  // Room for `max_filters`. Most bytes that may wait at a filter: `limit`; 0: no limit.
  HttpFilterChain(HttpFilterEnds& ends, Arena& arena, buffer::SlicePool& slices, size_t max_filters, uint32_t limit);
  ~HttpFilterChain();
  HttpFilterChain(const HttpFilterChain&) = delete;
  HttpFilterChain& operator=(const HttpFilterChain&) = delete;

  // In the order of the configuration, before the first message.
  void Add(HttpFilterFactory& factory, const route::FilterSettings* settings);

  HttpFilterPath<RequestDirection>& request() { return request_; }
  HttpFilterPath<ResponseDirection>& response() { return response_; }
  void OnInformational(http::ResponseHead& head);
  // The exchange is over: tells the filters, and nothing goes through any more. Once.
  void End();

 private:
  friend class HttpFilterHandle;

  HttpFilterEnds& ends_;
  Arena& arena_;
  buffer::SlicePool& slices_;
  HttpFilterSlot* const slots_;
  size_t size_ = 0;
  HttpFilterPath<RequestDirection> request_;
  HttpFilterPath<ResponseDirection> response_;
};

}  // namespace nuncio::filter
