#include "source/proxy/local_answer.h"

#include "source/http/grpc/status.h"

namespace nuncio::proxy {
namespace {

using http::HeaderId;

void AddLength(const http::RequestHead* request, uint64_t length, http::ResponseHead& head) {
  // HTTP/2 frames an answer without it, and gRPC's clients expect none.
  if (length == 0 && request != nullptr && request->protocol == http::Protocol::kHttp2) return;
  head.headers.AddReference(HeaderId::kContentLength, "content-length", head.headers.arena().Number(length));
}

LocalAnswer MakeGrpcAnswer(const filter::LocalReply& reply, const http::RequestHead* request,
                           http::ResponseHead& head) {
  Arena& arena = head.headers.arena();
  head.status = 200;
  head.headers.AddReference(HeaderId::kContentType, "content-type", "application/grpc");
  const auto code = reply.grpc_status.value_or(http::grpc::StatusCodeFromHttp(reply.status));
  head.headers.AddReference(HeaderId::kGrpcStatus, "grpc-status", arena.Number(static_cast<uint64_t>(code)));
  if (!reply.body.empty()) {
    head.headers.AddReference(HeaderId::kGrpcMessage, "grpc-message", http::grpc::EncodeMessage(reply.body, arena));
  }
  AddLength(request, 0, head);
  return {&head, {}};
}

}  // namespace

LocalAnswer MakeLocalAnswer(const filter::LocalReply& reply, bool may_be_grpc, const http::RequestHead* request,
                            Arena& arena) {
  auto* head = new (arena.Allocate(sizeof(http::ResponseHead), alignof(http::ResponseHead))) http::ResponseHead(arena);
  head->status = reply.status;
  for (const auto& [name, value] : reply.headers) head->headers.Add(name, value);
  // With its 200 it would accept a tunnel that is refused.
  if (may_be_grpc && request != nullptr && !request->is_tunnel() &&
      http::grpc::IsGrpcContentType(request->headers.Value(HeaderId::kContentType))) {
    return MakeGrpcAnswer(reply, request, *head);
  }
  AddLength(request, reply.body.size(), *head);
  if (!reply.body.empty()) head->headers.AddReference(HeaderId::kContentType, "content-type", "text/plain");
  const bool for_head = request != nullptr && request->method == http::Method::kHead;
  return {head, for_head ? std::string_view() : reply.body};
}

}  // namespace nuncio::proxy
