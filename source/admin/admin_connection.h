#pragma once

#include <memory>
#include <vector>

#include "source/access_log/stream_info.h"
#include "source/admin/admin_services.h"
#include "source/admin/exchange.h"
#include "source/base/arena.h"
#include "source/base/intrusive_list.h"
#include "source/http/h1/server_codec.h"
#include "source/net/connection.h"

namespace nuncio::admin {

class AdminServer;

// A client's connection to the admin interface. Answers one request after the other; a long body is made in slices
// between which the loop does other things, and no faster than the client takes it. Main thread.
class AdminConnection final : public net::ConnectionEvents,
                              public http::ServerConnectionEvents,
                              public access_log::LocalAddressSource,
                              public event::DeferredDeletable,
                              public ListNode<AdminConnection> {
 public:
  AdminConnection(AdminServer& server, int fd, const net::Address& peer);
  ~AdminConnection() override;

  void Start();
  void CloseNow();
  // No request is under way.
  bool idle() const { return exchange_ == nullptr; }

  const net::Address& LocalAddress() override { return socket_->local(); }

  // net::ConnectionEvents
  void OnConnected() override {}
  void OnData(buffer::Buffer& data, bool end) override;
  void OnClosed(net::CloseReason reason) override;
  void OnWriteBufferHigh() override { codec_->OnSendBufferHigh(); }
  void OnWriteBufferLow() override { codec_->OnSendBufferLow(); }

  // http::ServerConnectionEvents
  void OnOutput() override { socket_->FlushSoon(); }
  void OnPauseReading(bool pause) override;
  http::RequestReceiver& OnNewStream(http::ResponseSender& sender) override;
  void OnCloseAfterFlush() override;
  void OnAbort() override { CloseNow(); }

 private:
  // One request and its answer.
  class Exchange final : public http::RequestReceiver {
   public:
    Exchange(AdminConnection& connection, http::ResponseSender& sender);

    Arena& arena() override { return arena_; }
    void OnRequestHead(http::RequestHead& head, bool end_stream) override;
    void OnData(buffer::Buffer& data, bool end_stream) override;
    void OnTrailers(http::HeaderMap&) override { Respond(); }
    void OnDecodeError(const http::DecodeError& error) override;
    void OnReset(http::StreamReset reset, std::string_view details) override;
    void OnSendBufferHigh() override {}
    void OnSendBufferLow() override;

    // The time to send the request is over.
    void OnTooSlow();
    // The request is complete.
    bool ready() const { return ready_ || responding_; }

   private:
    // The answer is made in the next turn: of requests sent ahead each waits for its own, and for the client to take
    // the one before.
    void Respond();
    void Send(AdminAnswer answer);
    void OnSlice();
    void SendSlice();
    void Finish();

    AdminConnection& connection_;
    http::ResponseSender& sender_;
    Arena arena_;
    access_log::StreamInfo info_;
    const http::RequestHead* request_ = nullptr;
    uint64_t body_bytes_ = 0;
    std::unique_ptr<BodySource> source_;
    std::string text_;
    event::TurnTask slice_;
    bool ready_ = false;
    bool responding_ = false;
    bool over_ = false;
  };

  void OnTimer();
  void SetDeadline(Duration after);
  void OnExchangeOver();
  void Reap();
  void Finished();

  AdminServer& server_;
  const MonotonicTime opened_;
  access_log::ConnectionInfo info_;
  std::unique_ptr<net::Connection> socket_;
  std::unique_ptr<http::ServerCodec> codec_;
  std::unique_ptr<Exchange> exchange_;
  // Over, waiting until nobody of them is on the stack.
  std::vector<std::unique_ptr<Exchange>> finished_;
  event::TurnTask reap_;
  event::Timer timer_;
  bool paused_ = false;
  bool over_ = false;
};

}  // namespace nuncio::admin
