#include "source/admin/admin_connection.h"

#include <utility>

#include "source/admin/admin_server.h"
#include "source/admin/endpoints.h"
#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

// Limits of time: for a request to come whole, between requests, and without a client taking anything of an answer.
constexpr Duration kRequestTimeout = std::chrono::seconds(10);
constexpr Duration kIdleTimeout = std::chrono::minutes(2);
constexpr Duration kStallTimeout = std::chrono::seconds(30);
constexpr Duration kLinger = std::chrono::seconds(1);

// A request's body is read and dropped up to here, bytes.
constexpr uint64_t kMaxRequestBody = 64 << 10;
// Of output that the client has not taken, bytes.
constexpr uint32_t kWriteBuffer = 256 << 10;
// Main's time for one slice of a body, and the bytes it may have.
constexpr Duration kSliceTime = std::chrono::milliseconds(2);
constexpr size_t kSliceBytes = 64 << 10;
// Between looks at the clock, bytes.
constexpr size_t kStepBytes = 4 << 10;

}  // namespace

AdminConnection::AdminConnection(AdminServer& server, int fd, const net::Address& peer)
    : server_(server),
      opened_(server.services_.loop.now()),
      reap_(Delegate<void()>::Bind<&AdminConnection::Reap>(this)),
      timer_(server.services_.loop, Delegate<void()>::Bind<&AdminConnection::OnTimer>(this)) {
  info_.id = ++server.last_id_;
  info_.peer = peer.Unmapped();
  info_.peer_text = info_.peer.ToString();
  info_.peer_ip_text = info_.peer.IpText();
  info_.listener_name = "admin";
  net::ConnectionLimits limits;
  limits.buffer_limit = kWriteBuffer;
  socket_ = std::make_unique<net::Connection>(server.services_.loop, server.slices_, *this, fd, peer, limits);
  codec_ = std::make_unique<http::h1::H1ServerCodec>(socket_->write_buffer(), *this, server.http1_);
  telemetry::DownstreamHttpStats& stats = server.stats_;
  stats.downstream_cx_total.Inc();
  stats.downstream_cx_active.Inc();
  stats.downstream_cx_http1_total.Inc();
  stats.downstream_cx_http1_active.Inc();
}

AdminConnection::~AdminConnection() = default;

void AdminConnection::Start() {
  if (!socket_->Start()) {
    Finished();
    return;
  }
  SetDeadline(kIdleTimeout);
}

void AdminConnection::CloseNow() {
  if (over_) return;
  socket_->Close();
  codec_->OnConnectionClosed();
  Finished();
}

void AdminConnection::OnData(buffer::Buffer& data, bool end) {
  if (!data.empty() && !codec_->Dispatch(data)) data.Clear();
  if (end && !over_ && !socket_->closed()) codec_->OnEndOfInput();
  if (end && !over_ && !socket_->closed() && codec_->active_streams() == 0) {
    socket_->CloseAfterFlush(Duration::zero());
  }
}

void AdminConnection::OnClosed(net::CloseReason) {
  codec_->OnConnectionClosed();
  Finished();
}

void AdminConnection::OnPauseReading(bool pause) {
  if (pause == paused_ || socket_->closed()) return;
  paused_ = pause;
  if (pause) {
    socket_->PauseReading();
  } else {
    socket_->ResumeReading();
    if (!socket_->read_buffer().empty()) socket_->RedeliverSoon();
  }
}

http::RequestReceiver& AdminConnection::OnNewStream(http::ResponseSender& sender) {
  exchange_ = std::make_unique<Exchange>(*this, sender);
  SetDeadline(kRequestTimeout);
  return *exchange_;
}

void AdminConnection::OnCloseAfterFlush() { socket_->CloseAfterFlush(kLinger); }

void AdminConnection::SetDeadline(Duration after) { timer_.Arm(after); }

void AdminConnection::OnTimer() {
  if (exchange_ == nullptr) {
    server_.stats_.downstream_cx_idle_timeout.Inc();
    // What of an answer was not taken by now never will be.
    CloseNow();
  } else if (!exchange_->ready()) {
    exchange_->OnTooSlow();
  } else {
    server_.stats_.downstream_rq_idle_timeout.Inc();
    CloseNow();
  }
}

void AdminConnection::OnExchangeOver() {
  finished_.push_back(std::move(exchange_));
  server_.services_.loop.AfterEvent(reap_);
  if (over_) return;
  SetDeadline(kIdleTimeout);
  ListNode<AdminConnection>::Unlink();
  server_.connections_.PushBack(*this);
}

void AdminConnection::Reap() { finished_.clear(); }

void AdminConnection::Finished() {
  if (over_) return;
  over_ = true;
  timer_.Disarm();
  telemetry::DownstreamHttpStats& stats = server_.stats_;
  stats.downstream_cx_destroy.Inc();
  stats.downstream_cx_active.Dec();
  stats.downstream_cx_http1_active.Dec();
  stats.downstream_cx_rx_bytes_total.Add(socket_->bytes_read());
  stats.downstream_cx_tx_bytes_total.Add(socket_->bytes_written());
  stats.downstream_cx_length_ms.Record(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(server_.services_.loop.now() - opened_).count()));
  ListNode<AdminConnection>::Unlink();
  server_.services_.loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
  server_.OnConnectionClosed();
}

AdminConnection::Exchange::Exchange(AdminConnection& connection, http::ResponseSender& sender)
    : connection_(connection),
      sender_(sender),
      arena_(connection.server_.arena_blocks_),
      slice_(Delegate<void()>::Bind<&Exchange::OnSlice>(this)) {
  const event::EventLoop& loop = connection.server_.services_.loop;
  info_.start_system = loop.SystemNow();
  info_.start = loop.now();
  info_.connection = &connection.info_;
  info_.local_address = &connection;
  telemetry::DownstreamHttpStats& stats = connection.server_.stats_;
  stats.downstream_rq_total.Inc();
  stats.downstream_rq_http1_total.Inc();
  stats.downstream_rq_active.Inc();
}

void AdminConnection::Exchange::OnRequestHead(http::RequestHead& head, bool end_stream) {
  request_ = &head;
  info_.request = &head;
  info_.original_path = head.path;
  if (end_stream) Respond();
}

void AdminConnection::Exchange::OnData(buffer::Buffer& data, bool end_stream) {
  body_bytes_ += data.length();
  info_.bytes_received = body_bytes_;
  data.Clear();
  if (responding_) return;
  if (body_bytes_ > kMaxRequestBody) {
    connection_.server_.stats_.downstream_rq_too_large.Inc();
    Send(TextAnswer(413, StrCat("request body over ", kMaxRequestBody, " bytes\n")));
    return;
  }
  if (end_stream) Respond();
}

void AdminConnection::Exchange::OnDecodeError(const http::DecodeError& error) {
  connection_.server_.stats_.downstream_cx_protocol_error.Inc();
  info_.response_code_details = error.details;
  if (responding_) {
    sender_.Reset(http::StreamReset::kLocal);
    Finish();
    return;
  }
  Send(TextAnswer(error.status, StrCat(http::ReasonPhrase(error.status), "\n")));
}

void AdminConnection::Exchange::OnReset(http::StreamReset, std::string_view) {
  connection_.server_.stats_.downstream_rq_rx_reset.Inc();
  Finish();
}

void AdminConnection::Exchange::OnTooSlow() {
  connection_.server_.stats_.downstream_rq_timeout.Inc();
  Send(TextAnswer(408, "request timeout\n"));
}

void AdminConnection::Exchange::Respond() {
  if (ready_ || responding_ || over_) return;
  ready_ = true;
  event::EventLoop& loop = connection_.server_.services_.loop;
  info_.request_end = loop.now() - info_.start;
  connection_.SetDeadline(kStallTimeout);
  loop.NextTurn(slice_);
}

void AdminConnection::Exchange::Send(AdminAnswer answer) {
  responding_ = true;
  connection_.SetDeadline(kStallTimeout);
  AdminServer& server = connection_.server_;
  event::EventLoop& loop = server.services_.loop;
  auto* head =
      new (arena_.Allocate(sizeof(http::ResponseHead), alignof(http::ResponseHead))) http::ResponseHead(arena_);
  head->status = answer.status;
  head->headers.Add("content-type", answer.content_type);
  head->headers.Add("cache-control", "no-cache, max-age=0");
  head->headers.Add("x-content-type-options", "nosniff");
  if (!answer.allow.empty()) head->headers.Add("allow", answer.allow);
  head->headers.Add("date", server.date_.At(loop.SystemNow()));
  head->headers.Add("server", "nuncio");
  if (answer.source == nullptr) head->headers.Add("content-length", arena_.Number(answer.body.size()));
  info_.response = head;
  info_.response_code = answer.status;
  if (info_.response_code_details.empty()) info_.response_code_details = "admin_filter_response";
  info_.downstream_begin = loop.now() - info_.start;
  source_ = std::move(answer.source);
  const bool no_body = (request_ != nullptr && request_->method == http::Method::kHead) ||
                       (source_ == nullptr && answer.body.empty());
  sender_.SendHead(*head, no_body);
  if (no_body) return Finish();
  if (source_ == nullptr) {
    buffer::Buffer data(server.slices_);
    data.Append(answer.body);
    info_.bytes_sent += data.length();
    sender_.SendData(data, true);
    return Finish();
  }
  text_ = std::move(answer.body);
  SendSlice();
}

void AdminConnection::Exchange::OnSlice() {
  if (over_ || connection_.socket_->above_high_mark()) return;  // OnSendBufferLow goes on.
  if (responding_) {
    SendSlice();
    return;
  }
  const AdminRequest request(request_->method, request_->path);
  Send(Answer(connection_.server_.services_, request));
}

void AdminConnection::Exchange::SendSlice() {
  event::EventLoop& loop = connection_.server_.services_.loop;
  const MonotonicTime until = loop.FreshNow() + kSliceTime;
  bool more = true;
  while (more && text_.size() < kSliceBytes) {
    more = source_->Next(text_, kStepBytes);
    if (loop.FreshNow() >= until) break;
  }
  if (!text_.empty()) {
    buffer::Buffer data(connection_.server_.slices_);
    data.Append(text_);
    info_.bytes_sent += data.length();
    text_.clear();
    sender_.SendData(data, !more);
  } else if (!more) {
    buffer::Buffer data(connection_.server_.slices_);
    sender_.SendData(data, true);
  }
  if (!more) return Finish();
  connection_.SetDeadline(kStallTimeout);
  loop.NextTurn(slice_);
}

void AdminConnection::Exchange::OnSendBufferLow() {
  if (ready_ && !over_) connection_.server_.services_.loop.NextTurn(slice_);
}

void AdminConnection::Exchange::Finish() {
  if (over_) return;
  over_ = true;
  slice_.Cancel();
  source_.reset();
  AdminServer& server = connection_.server_;
  telemetry::DownstreamHttpStats& stats = server.stats_;
  stats.downstream_rq_active.Dec();
  info_.end = server.services_.loop.now() - info_.start;
  info_.response_end = info_.end;
  stats.downstream_rq_time.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(info_.end).count()));
  if (info_.response_code > 0) {
    stats.downstream_rq_completed.Inc();
    switch (info_.response_code / 100) {
      case 2:
        stats.downstream_rq_2xx.Inc();
        break;
      case 4:
        stats.downstream_rq_4xx.Inc();
        break;
      default:
        stats.downstream_rq_5xx.Inc();
        break;
    }
  }
  for (const auto& log : server.logs_) server.log_.Write(*log, info_);
  connection_.OnExchangeOver();
}

}  // namespace nuncio::admin
