#pragma once

#include <cstdint>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/access_log/stream_format_input.h"
#include "source/base/arena.h"
#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/proxy/stream_deadlines.h"
#include "source/proxy/upstream_request.h"
#include "source/proxy/worker_services.h"
#include "source/route/decision.h"

namespace nuncio::proxy {

struct ConnectionManagerConfig;
class DownstreamConnection;

// One exchange: receives the request, decides its route, has it answered by an upstream or by the proxy itself, and is
// logged. Comes from the worker's pool and returns there. Holds the route table it was decided with.
class Stream final : public http::RequestReceiver, public ListNode<Stream> {
 public:
  Stream(DownstreamConnection& connection, http::ResponseSender& sender);
  ~Stream();

  // http::RequestReceiver
  Arena& arena() override { return arena_; }
  void OnRequestHead(http::RequestHead& head, bool end_stream) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnTrailers(http::HeaderMap& trailers) override;
  void OnDecodeError(const http::DecodeError& error) override;
  void OnReset(http::StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;

  // From the upstream request.
  void SendInformational(http::ResponseHead& head);
  void SendResponseHead(http::ResponseHead& head, bool end_stream);
  void SendResponseData(buffer::Buffer& data, bool end_stream);
  void SendResponseTrailers(http::HeaderMap& trailers);
  // The answer cannot be completed: as an answer of our own when none has begun, else by cutting the stream.
  void Fail(uint32_t status, std::string_view details, std::string_view body, access_log::ResponseFlag flag);
  void PauseDownstream(bool pause) { sender_->PauseReading(pause); }

  // Runs what is due at `now`.
  void OnDeadline(MonotonicTime now);
  MonotonicTime next_deadline() const { return deadlines_.next(); }

  DownstreamConnection& connection() { return connection_; }
  WorkerServices& services();
  const ConnectionManagerConfig& config() const;
  access_log::StreamInfo& info() { return info_; }
  const route::Decision& decision() const { return decision_; }
  const access_log::StreamFormatInput& format_input() const { return format_input_; }
  StreamDeadlines& deadlines() { return deadlines_; }
  void SetDeadline(StreamDeadlines::Kind kind, MonotonicTime at);
  Duration Elapsed() const;
  bool request_complete() const { return request_complete_; }
  bool over() const { return over_; }
  // The client announced it reads only after a 100.
  bool expects_continue() const { return expects_continue_; }

 private:
  void Route(bool end_stream);
  void Forward(bool end_stream);
  void StartTimers();
  void RequestEnded();
  void TouchIdle();
  void SendLocalReply(uint32_t status, std::string_view details, std::string_view body);
  // An answer of the proxy's own with a text body. `location` empty: none.
  void SendShortAnswer(uint32_t status, std::string_view body, std::string_view location);
  void FinishResponseHead(http::ResponseHead& head);
  void CountResponse(uint32_t status);
  void ResponseEnded();
  // Nothing more is sent or received; logs.
  void Finish();

  DownstreamConnection& connection_;
  http::ResponseSender* sender_;
  Arena arena_;
  access_log::StreamInfo info_;
  access_log::StreamFormatInput format_input_;
  LocalRef<route::RouteTable> table_;
  route::Decision decision_;
  http::RequestHead* head_ = nullptr;
  UpstreamRequest upstream_;
  StreamDeadlines deadlines_;
  // Zero: no limit.
  Duration idle_timeout_{};
  Duration route_timeout_{};
  bool request_complete_ = false;
  bool response_begun_ = false;
  bool response_complete_ = false;
  bool forwarding_ = false;
  bool expects_continue_ = false;
  bool internal_ = false;
  bool over_ = false;
};

}  // namespace nuncio::proxy
