#pragma once

#include <cstdint>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/access_log/stream_format_input.h"
#include "source/base/arena.h"
#include "source/base/intrusive_heap.h"
#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/filter/http_filter_chain.h"
#include "source/filter/local_reply.h"
#include "source/http/codec.h"
#include "source/proxy/stream_deadlines.h"
#include "source/proxy/upstream_request.h"
#include "source/proxy/worker_services.h"
#include "source/route/decision.h"
#include "source/telemetry/http_stats.h"

namespace nuncio::proxy {

struct ConnectionManagerConfig;
struct PreparedRequest;
class DownstreamConnection;

// One exchange: receives the request, decides its route, lets the filters see it, has it answered by an upstream or by
// the proxy itself, and is logged. Comes from the worker's pool and returns there. Holds the route table it was decided
// with. Without filters messages take the straight way past the chain.
class Stream final : public http::RequestReceiver,
                     public filter::HttpFilterEnds,
                     public ListNode<Stream>,
                     public HeapNode<MonotonicTime, Stream> {
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

  // filter::HttpFilterEnds
  void OnFilteredRequestHead(http::RequestHead& head, bool end_stream) override;
  void OnFilteredRequestData(buffer::Buffer& data, bool end_stream) override;
  void OnFilteredRequestTrailers(http::HeaderMap& trailers) override;
  void OnFilteredInformational(http::ResponseHead& head) override;
  void OnFilteredResponseHead(http::ResponseHead& head, bool end_stream) override;
  void OnFilteredResponseData(buffer::Buffer& data, bool end_stream) override;
  void OnFilteredResponseTrailers(http::HeaderMap& trailers) override;
  void PauseRequest(bool pause) override { PauseDownstream(pause); }
  void PauseResponse(bool pause) override;
  void OnRequestTooLarge() override;
  void OnResponseTooLarge() override;
  void SendLocalReply(const filter::LocalReply& reply) override;
  void PauseDownstream(bool pause);

  // Runs what is due at `now`.
  void OnDeadline(MonotonicTime now);
  MonotonicTime next_deadline() const { return deadlines_.next(); }

  DownstreamConnection& connection() { return connection_; }
  WorkerServices& services();
  const ConnectionManagerConfig& config() const;
  telemetry::RouterStats& router_stats();
  access_log::StreamInfo& info() override { return info_; }
  const route::Decision& decision() const override { return decision_; }
  const access_log::StreamFormatInput& format_input() const { return format_input_; }
  StreamDeadlines& deadlines() { return deadlines_; }
  void SetDeadline(StreamDeadlines::Kind kind, MonotonicTime at);
  Duration Elapsed() const;
  bool request_complete() const { return request_complete_; }
  bool over() const { return over_; }
  // The client announced it reads only after a 100.
  bool expects_continue() const { return expects_continue_; }

 private:
  void DecideRoute();
  // The filters that this request is to pass, if any.
  void MakeFilterChain();
  // Whether the request may go on.
  bool AdmitTunnel();
  void CountUnderscores(const PreparedRequest& prepared);
  void OnTunnelAccepted();
  // The client's half has ended.
  void EndTunnel();
  void Forward(bool end_stream);
  void StartTimers();
  void RequestEnded();
  void TouchIdle();
  void Redirect(uint32_t status, std::string_view details, std::string_view location);
  // An answer of the proxy's own, through the filters unless another is on its way there.
  void SendAnswer(const filter::LocalReply& reply, bool may_be_grpc);
  // What the route says of the answer's head.
  void RewriteResponseHead(http::ResponseHead& head);
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
  // In the arena. Null: no filter but the router.
  filter::HttpFilterChain* chain_ = nullptr;
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
  bool upgrade_counted_ = false;
  bool tunnel_ = false;            // The answer made it one.
  bool terminate_connect_ = false;
  bool over_ = false;
  bool client_is_slow_ = false;
  bool filters_are_slow_ = false;
};

}  // namespace nuncio::proxy
