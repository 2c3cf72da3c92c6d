#pragma once

#include <string_view>

#include "source/grpc/call.h"
#include "source/grpc/client.h"

namespace nuncio::grpc {

class UnaryEvents {
 public:
  // Exactly one of both, once; the call may be destroyed in it.
  virtual void OnAnswer(buffer::Buffer& message) = 0;
  // `status` is not OK.
  virtual void OnFailure(const Status& status) = 0;

 protected:
  ~UnaryEvents() = default;
};

// A call with one message each way. It runs until it is answered or destroyed. Belongs to its thread.
class UnaryCall final : private CallEvents {
 public:
  // Sends what `request` holds and empties it. `path` and the rest as Client::Start.
  UnaryCall(Client& client, const config::GrpcTarget& target, std::string_view path, const CallOptions& options,
            buffer::Buffer& request, UnaryEvents& events);
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

 private:
  void OnMessage(buffer::Buffer& message) override;
  void OnEnd(const Status& status) override;

  UnaryEvents& events_;
  // Told only when the server has said that it is good.
  buffer::Buffer answer_;
  bool answered_ = false;
  bool answered_twice_ = false;
  CallPtr call_;
};

}  // namespace nuncio::grpc
