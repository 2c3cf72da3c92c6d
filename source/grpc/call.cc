#include "source/grpc/call.h"

#include <utility>

#include "source/base/strings.h"
#include "source/base/version.h"
#include "source/http/grpc/frame_writer.h"
#include "source/http/grpc/status.h"
#include "source/http/grpc/timeout.h"
#include "source/upstream/host.h"
#include "source/upstream/server_name.h"

namespace nuncio::grpc {
namespace {

using http::HeaderId;

std::string_view FailureName(upstream::PoolFailure failure) {
  switch (failure) {
    case upstream::PoolFailure::kOverflow:
      return "a circuit breaker's limit is reached";
    case upstream::PoolFailure::kConnectFailure:
      return "connect failed";
    case upstream::PoolFailure::kConnectTimeout:
      return "connect timed out";
    case upstream::PoolFailure::kTermination:
      return "the endpoint was removed";
  }
  return "";
}

}  // namespace

Call::Call(const upstream::WorkerServices& services, const config::GrpcTarget& target, std::string_view path,
           const CallOptions& options, CallEvents& events)
    : services_(services),
      cluster_name_(target.cluster),
      events_(&events),
      arena_(services.arena_blocks),
      head_(arena_),
      held_(services.slices),
      reader_(services.slices, target.max_receive_message_bytes),
      deadline_(services.loop, Delegate<void()>::Bind<&Call::OnTimeout>(this)),
      end_task_(Delegate<void()>::Bind<&Call::ReportEnd>(this)),
      began_(services.loop.now()) {
  head_.method_text = "POST";
  head_.method = http::Method::kPost;
  head_.scheme = "http";
  head_.path = arena_.Copy(path);
  head_.authority = arena_.Copy(target.authority);
  head_.protocol = http::Protocol::kHttp2;
  http::HeaderMap& headers = head_.headers;
  headers.AddReference(HeaderId::kTe, "te", "trailers");
  headers.AddReference(HeaderId::kContentType, "content-type", "application/grpc");
  headers.AddReference(HeaderId::kUserAgent, "user-agent", arena_.Concat("nuncio/", kVersion));
  if (options.timeout.has_value()) {
    headers.AddReference(HeaderId::kGrpcTimeout, "grpc-timeout",
                         arena_.Copy(http::grpc::FormatTimeout(*options.timeout)));
    deadline_.Arm(*options.timeout);
  }
  for (const auto& [name, value] : target.initial_metadata) headers.Add(name, value);
}

Call::~Call() = default;

void Call::Start(upstream::WorkerClusters& clusters) {
  cluster_ = clusters.Find(cluster_name_);
  if (!cluster_) {
    Finish({StatusCode::kUnavailable, StrCat("cluster '", cluster_name_, "': not known, or not ready yet")}, false);
    return;
  }
  if (cluster_->config().protocol == upstream::UpstreamProtocol::kHttp1) {
    Finish({StatusCode::kFailedPrecondition,
            StrCat("cluster '", cluster_name_, "': gRPC needs http2_protocol_options for its endpoints")},
           false);
    return;
  }
  host_ = cluster_->PickHost();
  if (!host_) {
    cluster_->traffic().upstream_cx_none_healthy.Inc();
    Finish({StatusCode::kUnavailable, StrCat("cluster '", cluster_name_, "': no healthy endpoint")}, false);
    return;
  }
  const Duration longest = cluster_->config().http.max_stream_duration;
  if (longest > Duration::zero() && (!deadline_.armed() || deadline_.deadline() > began_ + longest)) {
    deadline_.ArmAt(began_ + longest);
    deadline_is_clusters_ = true;
  }
  upstream::StreamWish wish;
  wish.client_protocol = http::Protocol::kHttp2;
  wish.server_name = upstream::ServerNameFor(cluster_->config(), head_);
  cluster_->NewStream(*host_, wish, *this, *this, pending_);
}

void Call::Abandon() {
  events_ = nullptr;
  end_task_.Cancel();
  if (state_ != State::kEnded) Finish({StatusCode::kCancelled, ""}, true);
  end_task_.Cancel();
  services_.loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
}

void Call::Finish(Status status, bool reset) {
  if (state_ == State::kEnded) return;
  CountEnd(status);
  state_ = State::kEnded;
  end_status_ = std::move(status);
  deadline_.Disarm();
  pending_.Cancel();
  held_.Clear();
  if (http::RequestSender* sender = std::exchange(sender_, nullptr); sender != nullptr && reset) {
    cluster_->traffic().upstream_rq_tx_reset.Inc();
    sender->Reset(http::StreamReset::kLocal);
  }
  services_.loop.AfterEvent(end_task_);
}

void Call::CountEnd(const Status& status) {
  if (!cluster_ || !host_) return;
  // A call that its owner gave up says nothing about the host.
  if (events_ == nullptr) return;
  upstream::HostStats& host = host_->stats(services_.slot);
  if (http::grpc::IsServerFault(status.code)) {
    host.rq_error.Inc();
  } else {
    host.rq_success.Inc();
  }
  if (state_ != State::kWaiting) {
    cluster_->traffic().upstream_rq_time.Record(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(services_.loop.now() - began_).count()));
  }
}

void Call::ReportEnd() {
  host_.reset();
  cluster_.reset();
  if (events_ != nullptr) events_->OnEnd(end_status_);
}

void Call::OnTimeout() {
  if (state_ == State::kEnded) return;
  if (deadline_is_clusters_) {
    cluster_->traffic().upstream_rq_max_duration_reached.Inc();
  } else if (cluster_ && host_) {
    cluster_->traffic().upstream_rq_timeout.Inc();
    host_->stats(services_.slot).rq_timeout.Inc();
  }
  Finish({StatusCode::kDeadlineExceeded,
          deadline_is_clusters_ ? "the cluster's max_stream_duration is over" : "the call's time is over"}, true);
}

void Call::SendMessage(buffer::Buffer& message) {
  if (state_ == State::kEnded || send_closed_) {
    message.Clear();
    return;
  }
  if (!http::grpc::FrameMessage(message)) {
    message.Clear();
    Finish({StatusCode::kInternal, "a message of 4 GiB and more cannot be framed"}, true);
    return;
  }
  Send(message, false);
}

void Call::CloseSend() {
  if (state_ == State::kEnded || std::exchange(send_closed_, true)) return;
  buffer::Buffer nothing(services_.slices);
  Send(nothing, true);
}

void Call::Send(buffer::Buffer& data, bool end_stream) {
  if (sender_ != nullptr) {
    sender_->SendData(data, end_stream);
    return;
  }
  held_.MoveFrom(data);
  if (!held_high_ && held_.length() > cluster_->config().per_connection_buffer_limit_bytes) {
    held_high_ = true;
    events_->OnSendBufferHigh();
  }
}

void Call::PauseReading(bool pause) {
  if (pause) {
    ++pauses_;
  } else if (pauses_ > 0) {
    --pauses_;
  }
  if (sender_ != nullptr) sender_->PauseReading(pause);
}

void Call::OnStreamReady(http::RequestSender& sender, const upstream::StreamConnection& connection) {
  sender_ = &sender;
  if (connection.protocol != http::Protocol::kHttp2) {
    Finish({StatusCode::kUnavailable, StrCat("cluster '", cluster_name_, "', endpoint ", host_->address_text(),
                                             ": chose HTTP/1.1, gRPC needs HTTP/2")},
           true);
    return;
  }
  state_ = State::kOpen;
  cluster_->traffic().upstream_rq_total.Inc();
  for (uint32_t i = 0; i < pauses_; ++i) sender_->PauseReading(true);
  sender_->SendHead(head_, false);
  if (sender_ != nullptr && (!held_.empty() || send_closed_)) sender_->SendData(held_, send_closed_);
  if (std::exchange(held_high_, false) && state_ != State::kEnded) events_->OnSendBufferLow();
}

void Call::OnStreamFailed(upstream::PoolFailure failure, std::string_view details, const upstream::Host& host) {
  std::string message =
      StrCat("cluster '", cluster_name_, "', endpoint ", host.address_text(), ": ", FailureName(failure));
  if (!details.empty()) StrAppend(message, ": ", details);
  Finish({StatusCode::kUnavailable, std::move(message)}, false);
}

void Call::OnResponseHead(http::ResponseHead& head, bool end_stream) {
  if (state_ == State::kEnded) return;
  state_ = State::kAnswering;
  http_status_ = head.status;
  cluster_->traffic().upstream_rq_completed.Inc();
  cluster_->traffic().upstream_rq.Inc(static_cast<int>(head.status));
  if (end_stream) {
    sender_ = nullptr;
    Finish(http::grpc::StatusOfTrailers(head.headers, head.status), false);
    return;
  }
  if (head.status != 200) {
    Finish({http::grpc::StatusCodeFromHttp(head.status), StrCat("HTTP status ", head.status, " instead of 200")}, true);
    return;
  }
  const std::string_view type = head.headers.Value(HeaderId::kContentType);
  if (!http::grpc::IsGrpcContentType(type)) {
    Finish({StatusCode::kUnknown, StrCat("content-type '", type, "' instead of application/grpc")}, true);
    return;
  }
  events_->OnHead(head.headers);
}

void Call::OnData(buffer::Buffer& data, bool end_stream) {
  if (end_stream) sender_ = nullptr;
  if (state_ == State::kEnded) return;
  reader_.Add(data);
  for (;;) {
    buffer::Buffer message(services_.slices);
    const http::grpc::FrameReader::Result result = reader_.Next(message);
    if (result == http::grpc::FrameReader::Result::kError) {
      Finish(reader_.status(), true);
      return;
    }
    if (result == http::grpc::FrameReader::Result::kNeedMore) break;
    events_->OnMessage(message);
    if (state_ == State::kEnded) return;
  }
  // Without trailers nobody knows whether the answer is whole.
  if (end_stream) Finish({StatusCode::kInternal, "the answer ended without trailers"}, false);
}

void Call::OnTrailers(http::HeaderMap& trailers) {
  sender_ = nullptr;
  Status status = http::grpc::StatusOfTrailers(trailers, http_status_);
  if (status.ok() && !reader_.at_boundary()) {
    status = {StatusCode::kInternal, "the answer ended within a message"};
  }
  Finish(std::move(status), false);
}

void Call::OnReset(http::StreamReset reset, std::string_view details) {
  sender_ = nullptr;
  if (state_ == State::kEnded) return;
  if (reset == http::StreamReset::kRemote || reset == http::StreamReset::kRemoteRefused) {
    cluster_->traffic().upstream_rq_rx_reset.Inc();
  }
  // What was not answered counts as a 503 of the cluster.
  if (state_ != State::kAnswering) cluster_->traffic().upstream_rq.Inc(503);
  std::string message = StrCat("cluster '", cluster_name_, "', endpoint ", host_->address_text(), ": ",
                               http::StreamResetName(reset));
  if (!details.empty() && details != http::StreamResetName(reset)) StrAppend(message, ": ", details);
  Finish({http::grpc::StatusCodeFromReset(reset), std::move(message)}, false);
}

void Call::OnSendBufferHigh() {
  cluster_->traffic().upstream_flow_control_backed_up_total.Inc();
  if (events_ != nullptr) events_->OnSendBufferHigh();
}

void Call::OnSendBufferLow() {
  cluster_->traffic().upstream_flow_control_drained_total.Inc();
  if (events_ != nullptr) events_->OnSendBufferLow();
}

}  // namespace nuncio::grpc
