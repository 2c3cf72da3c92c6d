#include "source/xds/grpc_transport.h"

#include "source/base/strings.h"

namespace nuncio::xds {
namespace {

class GrpcStream final : public Stream, private grpc::CallEvents {
 public:
  GrpcStream(grpc::Client& client, const config::GrpcTarget& target, std::string_view path, StreamEvents& events)
      : pool_(client.services().slices), events_(events), call_(client.Start(target, path, {}, *this)) {}

  void Send(std::string_view bytes) override {
    buffer::Buffer message(pool_);
    message.Append(bytes);
    call_->SendMessage(message);
  }
  void PauseReading(bool pause) override { call_->PauseReading(pause); }

 private:
  void OnHead(const http::HeaderMap&) override { events_.OnConnected(); }
  void OnMessage(buffer::Buffer& message) override { events_.OnMessage(message.ToString()); }
  void OnEnd(const grpc::Status& status) override {
    events_.OnClosed(
        StrCat(http::grpc::StatusCodeName(status.code), status.message.empty() ? "" : ": ", status.message));
  }

  buffer::SlicePool& pool_;
  StreamEvents& events_;
  grpc::CallPtr call_;
};

}  // namespace

std::unique_ptr<Stream> GrpcTransport::Open(const config::GrpcTarget& target, std::string_view path,
                                            StreamEvents& events) {
  return std::make_unique<GrpcStream>(client_, target, path, events);
}

}  // namespace nuncio::xds
