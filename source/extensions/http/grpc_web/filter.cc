#include "source/extensions/http/grpc_web/filter.h"

#include <algorithm>
#include <utility>

#include "source/base/strings.h"
#include "source/extensions/http/grpc_web/content_type.h"
#include "source/filter/http_filter_chain.h"
#include "source/http/grpc/method_path.h"
#include "source/http/grpc/status.h"
#include "source/http/hop_by_hop.h"

namespace nuncio::extensions {
namespace {

using filter::BodyWish;
using filter::FilterVerdict;
using http::HeaderId;

// The flags of a frame that holds trailers.
constexpr char kTrailersFrame = static_cast<char>(0x80);

bool AcceptsText(const http::HeaderMap& headers) {
  return !http::ForEachListElement(headers.Value(HeaderId::kAccept), [](std::string_view element) {
    const auto type = ParseGrpcWebType(element);
    return !type.has_value() || !type->text;
  });
}

// "name:value" by lines, as a frame.
void AppendTrailersFrame(const http::HeaderMap& trailers, buffer::Buffer& out) {
  size_t size = 0;
  for (const http::HeaderField& field : trailers) size += field.name.size() + field.value.size() + 3;
  char header[5] = {kTrailersFrame};
  for (size_t i = 0; i < 4; ++i) header[1 + i] = static_cast<char>(size >> (24 - 8 * i));
  out.Append({header, sizeof(header)});
  for (const http::HeaderField& field : trailers) {
    char* const name = out.Reserve(field.name.size());
    std::transform(field.name.begin(), field.name.end(), name, ToLower);
    out.Commit(field.name.size());
    out.Append(":");
    out.Append(field.value);
    out.Append("\r\n");
  }
}

// Whether the answer speaks gRPC, or gRPC-Web already.
bool IsGrpcAnswer(const http::ResponseHead& head, bool end_stream) {
  if (end_stream && head.headers.Has(HeaderId::kGrpcStatus)) return true;
  const std::string_view type = head.headers.Value(HeaderId::kContentType);
  return ParseGrpcWebType(type).has_value() || (head.status == 200 && http::grpc::IsGrpcContentType(type));
}

class Factory final : public filter::HttpFilterFactory {
 public:
  explicit Factory(upstream::WorkerClusters& clusters) : clusters_(clusters) {}
  filter::HttpFilter* Create(filter::HttpFilterHandle& stream, Arena& arena) override {
    return filter::NewInArena<GrpcWebFilter>(arena, stream, clusters_);
  }

 private:
  upstream::WorkerClusters& clusters_;
};

}  // namespace

FilterVerdict GrpcWebFilter::OnRequestHead(http::RequestHead& head, bool /*end_stream*/) {
  http::HeaderMap& headers = head.headers;
  const auto type = ParseGrpcWebType(headers.Value(HeaderId::kContentType));
  if (!type.has_value()) return FilterVerdict::kContinue;
  active_ = true;
  text_request_ = type->text;
  text_response_ = AcceptsText(headers);
  FindStats(head.path);
  headers.SetReference(HeaderId::kContentType, stream().arena().Concat("application/grpc", type->encoding));
  // gRPC's messages tell their own length, and its servers ask for this.
  headers.Remove(HeaderId::kContentLength);
  headers.SetReference(HeaderId::kTe, "trailers");
  if (text_request_) WantRequestBody(BodyWish::kChange);
  return FilterVerdict::kContinue;
}

void GrpcWebFilter::FindStats(std::string_view path) {
  if (stream().decision().kind != route::Decision::Kind::kForward) return;
  const auto method = http::grpc::MethodOfPath(path);
  if (!method.has_value()) return;
  cluster_ = clusters_.Find(stream().decision().cluster);
  if (cluster_) stats_ = &cluster_->grpc().OfMethod(telemetry::GrpcStats::Naming::kGrpcWeb, *method);
}

FilterVerdict GrpcWebFilter::OnRequestData(buffer::Buffer& data, bool end_stream) {
  buffer::Buffer decoded(stream().slices());
  if (!decoder_.Decode(data, decoded)) {
    RefuseText("grpc_base_64_decode_failed");
  } else if (end_stream && !decoder_.at_boundary()) {
    RefuseText("grpc_base_64_decode_failed_bad_size");
  } else {
    data = std::move(decoded);
  }
  return FilterVerdict::kContinue;
}

FilterVerdict GrpcWebFilter::OnRequestTrailers(http::HeaderMap& /*trailers*/, buffer::Buffer& /*data*/) {
  if (!decoder_.at_boundary()) RefuseText("grpc_base_64_decode_failed_bad_size");
  return FilterVerdict::kContinue;
}

void GrpcWebFilter::RefuseText(std::string_view details) {
  stream().SendLocalReply(
      {.status = 400, .details = details, .body = "Bad gRPC-web request, invalid base64 data."});
}

FilterVerdict GrpcWebFilter::OnResponseHead(http::ResponseHead& head, bool end_stream) {
  if (!active_) return FilterVerdict::kContinue;
  if (!IsGrpcAnswer(head, end_stream)) {
    foreign_ = &head;
    if (end_stream) {
      FinishForeignAnswer();
      return FilterVerdict::kContinue;
    }
    WantResponseBody(BodyWish::kChange);
    return FilterVerdict::kGather;
  }
  CountStatus(head.headers);
  SetResponseType(head.headers);
  if (end_stream) return FilterVerdict::kContinue;
  // The trailers are going to be part of the body.
  head.headers.Remove(HeaderId::kContentLength);
  if (text_response_) WantResponseBody(BodyWish::kChange);
  return FilterVerdict::kContinue;
}

void GrpcWebFilter::SetResponseType(http::HeaderMap& headers) const {
  const std::string_view encoding = EncodingOfType(headers.Value(HeaderId::kContentType));
  headers.SetReference(HeaderId::kContentType,
                       stream().arena().Concat(text_response_ ? "application/grpc-web-text" : "application/grpc-web",
                                               encoding.empty() ? "+proto" : encoding));
}

FilterVerdict GrpcWebFilter::OnResponseData(buffer::Buffer& data, bool end_stream) {
  if (foreign_ == nullptr) {
    EncodeText(data, end_stream);
    return FilterVerdict::kContinue;
  }
  KeepMessage(data);
  data.Clear();
  if (!end_stream) return FilterVerdict::kGather;
  FinishForeignAnswer();
  return FilterVerdict::kContinue;
}

void GrpcWebFilter::EncodeText(buffer::Buffer& data, bool end_stream) {
  frames_.Count(data);
  buffer::Buffer text(stream().slices());
  encoder_.Encode(data, text);
  // A message that is here in full must not wait for the next one.
  if (end_stream || frames_.since_boundary() < encoder_.pending()) encoder_.Flush(text);
  data = std::move(text);
}

FilterVerdict GrpcWebFilter::OnResponseTrailers(http::HeaderMap& trailers, buffer::Buffer& data) {
  if (!active_) return FilterVerdict::kContinue;
  if (foreign_ != nullptr) {
    FinishForeignAnswer();
  } else {
    CountStatus(trailers);
    stream().info().moved_grpc_status = trailers.Value(HeaderId::kGrpcStatus);
    AppendTrailersFrame(trailers, data);
    if (text_response_) EncodeText(data, /*end_stream=*/true);
  }
  trailers.Clear();
  return FilterVerdict::kContinue;
}

void GrpcWebFilter::KeepMessage(const buffer::Buffer& data) {
  // What is compressed says nothing to a reader.
  if (foreign_->headers.Find("content-encoding") != nullptr) return;
  data.ForEachRun([this](std::string_view run) {
    foreign_message_.append(run.substr(0, kMaxMessage - std::min(kMaxMessage, foreign_message_.size())));
  });
}

void GrpcWebFilter::FinishForeignAnswer() {
  http::ResponseHead& head = *foreign_;
  Arena& arena = stream().arena();
  const auto code = static_cast<uint64_t>(http::grpc::StatusCodeFromHttp(head.status));
  head.headers.SetReference(HeaderId::kGrpcStatus, arena.Number(code));
  if (!foreign_message_.empty()) {
    head.headers.SetReference(HeaderId::kGrpcMessage, http::grpc::EncodeMessage(foreign_message_, arena));
  }
  head.headers.Remove(HeaderId::kContentType);
  head.headers.Remove(HeaderId::kContentLength);
  head.headers.Remove("content-encoding");
  CountStatus(head.headers);
  SetResponseType(head.headers);
}

void GrpcWebFilter::CountStatus(const http::HeaderMap& fields) {
  const http::HeaderField* status = fields.Find(HeaderId::kGrpcStatus);
  if (status != nullptr && stats_ != nullptr) stats_->CountCall(status->value);
}

std::unique_ptr<filter::HttpFilterFactory> MakeGrpcWebFactory(const filter::HttpFilterServices& services) {
  return std::make_unique<Factory>(services.clusters);
}

}  // namespace nuncio::extensions
