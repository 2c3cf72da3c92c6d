#pragma once

#include <string_view>

#include "source/base/arena.h"
#include "source/filter/local_reply.h"
#include "source/http/message.h"

namespace nuncio::proxy {

// An answer of the proxy's own in the form that its request can take.
struct LocalAnswer {
  http::ResponseHead* head;
  // Empty: the head is the whole answer.
  std::string_view body;
};

// `request` is null where none was read. To gRPC requests, where `may_be_grpc`, the answer is one of trailers only:
// 200, with the status in `grpc-status` and the body in `grpc-message`. The head lives in the arena; the body is the
// reply's.
LocalAnswer MakeLocalAnswer(const filter::LocalReply& reply, bool may_be_grpc, const http::RequestHead* request,
                            Arena& arena);

}  // namespace nuncio::proxy
