#pragma once

#include <memory>
#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"
#include "source/http/grpc/base64_stream.h"
#include "source/http/grpc/frame_counter.h"
#include "source/telemetry/grpc_stats.h"
#include "source/upstream/worker_clusters.h"

namespace nuncio::extensions {

// Makes gRPC of gRPC-Web (its PROTOCOL-WEB.md), and back: content types, base64 of the text form, the trailers as the
// last frame of the body. Any other request passes as it is.
class GrpcWebFilter final : public filter::HttpFilter {
 public:
  // Of an answer that is no gRPC, so many bytes become its message.
  static constexpr size_t kMaxMessage = 4096;

  GrpcWebFilter(filter::HttpFilterHandle& stream, upstream::WorkerClusters& clusters)
      : HttpFilter(stream), clusters_(clusters) {}

  filter::FilterVerdict OnRequestHead(http::RequestHead& head, bool end_stream) override;
  filter::FilterVerdict OnRequestData(buffer::Buffer& data, bool end_stream) override;
  filter::FilterVerdict OnRequestTrailers(http::HeaderMap& trailers, buffer::Buffer& data) override;
  filter::FilterVerdict OnResponseHead(http::ResponseHead& head, bool end_stream) override;
  filter::FilterVerdict OnResponseData(buffer::Buffer& data, bool end_stream) override;
  filter::FilterVerdict OnResponseTrailers(http::HeaderMap& trailers, buffer::Buffer& data) override;

 private:
  void FindStats(std::string_view path);
  void CountStatus(const http::HeaderMap& fields);
  void SetResponseType(http::HeaderMap& headers) const;
  void EncodeText(buffer::Buffer& data, bool end_stream);
  void KeepMessage(const buffer::Buffer& data);
  // The head of an answer that is no gRPC tells what gRPC would.
  void FinishForeignAnswer();
  void RefuseText(std::string_view details);

  upstream::WorkerClusters& clusters_;
  // Keeps `stats_`.
  upstream::WorkerClusterRef cluster_;
  // Null: not to a cluster, or not of a method.
  telemetry::GrpcMethodStats* stats_ = nullptr;
  bool active_ = false;
  bool text_request_ = false;
  bool text_response_ = false;
  http::grpc::Base64Decoder decoder_;
  http::grpc::Base64Encoder encoder_;
  // Where messages of the answer end.
  http::grpc::FrameCounter frames_;
  // Waits for the end of its body; null: none does.
  http::ResponseHead* foreign_ = nullptr;
  std::string foreign_message_;
};

std::unique_ptr<filter::HttpFilterFactory> MakeGrpcWebFactory(const filter::HttpFilterServices& services);

}  // namespace nuncio::extensions
