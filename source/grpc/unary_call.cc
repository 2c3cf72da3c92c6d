#include "source/grpc/unary_call.h"

namespace nuncio::grpc {

UnaryCall::UnaryCall(Client& client, const config::GrpcTarget& target, std::string_view path,
                     const CallOptions& options, buffer::Buffer& request, UnaryEvents& events)
    : events_(events),
      answer_(client.services().slices),
      call_(client.Start(target, path, options, *this)) {
  call_->SendMessage(request);
  call_->CloseSend();
}

void UnaryCall::OnMessage(buffer::Buffer& message) {
  answered_twice_ = answered_;
  answered_ = true;
  answer_.MoveFrom(message);
}

void UnaryCall::OnEnd(const Status& status) {
  // Both events may destroy this object.
  if (!status.ok()) {
    events_.OnFailure(status);
  } else if (!answered_ || answered_twice_) {
    events_.OnFailure({StatusCode::kInternal, answered_twice_ ? "several messages answer a unary call"
                                                              : "no message answers a unary call"});
  } else {
    buffer::Buffer answer = std::move(answer_);
    events_.OnAnswer(answer);
  }
}

}  // namespace nuncio::grpc
