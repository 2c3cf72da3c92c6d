#pragma once

#include <memory>
#include <string_view>

#include "source/event/event_loop.h"
#include "source/http/codec.h"
#include "source/upstream/worker_cluster.h"

namespace nuncio::proxy {

// A CONNECT that ends here: a stream whose other end is a plain TCP connection. Answers 200 once connected, unframed
// bytes from then on, each direction with an end of its own. Owns itself: it is gone when the connection is, which may
// be after the stream, while the last bytes are written. Holds the cluster.
class TcpTunnel final : public http::RequestSender, private upstream::TcpReceiver, public event::DeferredDeletable {
 public:
  // How it came to be, or not; once, from the loop.
  class Owner {
   public:
    virtual void OnTunnelReady(TcpTunnel& tunnel) = 0;
    virtual void OnTunnelFailed(upstream::PoolFailure failure, std::string_view details) = 0;

   protected:
    ~Owner() = default;
  };

  // Null where not even a socket could be had; `failure` says why, and nobody hears of it. The receiver hears the
  // answer after Accept. Reset() legal from now on.
  static TcpTunnel* Connect(event::EventLoop& loop, upstream::WorkerClusterRef cluster, const upstream::Host& host,
                            upstream::RoutingPriority priority, Owner& owner, http::ResponseReceiver& receiver,
                            upstream::PoolFailure& failure);

  net::Connection& connection() { return connection_->connection(); }
  uint64_t connection_id() const { return connection_->connection_id(); }
  // The answer's head. In OnTunnelReady.
  void Accept();

  // http::RequestSender
  void SendHead(const http::RequestHead&, bool) override {}
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const http::HeaderMap&) override { EndOutput(); }
  void Reset(http::StreamReset) override { Abort(); }
  void PauseReading(bool pause) override;

 private:
  TcpTunnel(event::EventLoop& loop, upstream::WorkerClusterRef cluster, Owner& owner, http::ResponseReceiver& receiver);

  void OnUpstreamConnected() override { owner_.OnTunnelReady(*this); }
  void OnUpstreamConnectFailed(upstream::PoolFailure failure, std::string_view details) override;
  void OnUpstreamData(buffer::Buffer& data, bool end) override;
  void OnUpstreamClosed(net::CloseReason reason) override;
  void OnUpstreamWriteBufferHigh() override;
  void OnUpstreamWriteBufferLow() override;

  void EndOutput();
  // Both directions have ended.
  void Finish();
  // RFC 9113 8.5: an end that is no proper one is an RST to the host.
  void Abort();
  void DeleteSoon();

  event::EventLoop& loop_;
  const upstream::WorkerClusterRef cluster_;
  Owner& owner_;
  http::ResponseReceiver& receiver_;
  std::unique_ptr<upstream::TcpConnection> connection_;
  event::Timer flush_timer_;
  bool input_ended_ = false;
  bool output_ended_ = false;
  bool over_ = false;  // Nobody hears of anything any more.
  bool deleting_ = false;
};

}  // namespace nuncio::proxy
