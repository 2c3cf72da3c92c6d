#include "source/extensions/http/grpc_stats/filter.h"

#include <chrono>
#include <utility>

#include "source/filter/http_filter_chain.h"
#include "source/http/grpc/method_path.h"
#include "source/http/grpc/status.h"

namespace nuncio::extensions {
namespace {

using filter::BodyWish;
using filter::FilterVerdict;
using http::HeaderId;
using telemetry::GrpcStats;

bool IsGrpc(const http::HeaderMap& headers) {
  return http::grpc::IsGrpcContentType(headers.Value(HeaderId::kContentType));
}

class Factory final : public filter::HttpFilterFactory {
 public:
  Factory(std::shared_ptr<const GrpcStatsConfig> config, upstream::WorkerClusters& clusters)
      : config_(std::move(config)), clusters_(clusters) {}
  filter::HttpFilter* Create(filter::HttpFilterHandle& stream, Arena& arena) override {
    return filter::NewInArena<GrpcStatsFilter>(arena, stream, *config_, clusters_);
  }

 private:
  const std::shared_ptr<const GrpcStatsConfig> config_;
  upstream::WorkerClusters& clusters_;
};

}  // namespace

FilterVerdict GrpcStatsFilter::OnRequestHead(http::RequestHead& head, bool /*end_stream*/) {
  if (stream().decision().kind != route::Decision::Kind::kForward || !IsGrpc(head.headers)) {
    return FilterVerdict::kContinue;
  }
  const auto method = http::grpc::MethodOfPath(head.path);
  if (!method.has_value()) return FilterVerdict::kContinue;
  cluster_ = clusters_.Find(stream().decision().cluster);
  if (!cluster_) return FilterVerdict::kContinue;
  stats_ = &StatsOf(*method);
  WantRequestBody(BodyWish::kSee);
  return FilterVerdict::kContinue;
}

telemetry::GrpcMethodStats& GrpcStatsFilter::StatsOf(std::string_view method) {
  GrpcStats& stats = cluster_->grpc();
  const auto naming = config_.replace_dots ? GrpcStats::Naming::kGrpcWithoutDots : GrpcStats::Naming::kGrpc;
  const bool by_method = config_.all_methods || config_.methods.contains(method);
  return by_method ? stats.OfMethod(naming, method) : stats.OfOthers(naming);
}

FilterVerdict GrpcStatsFilter::OnRequestData(buffer::Buffer& data, bool /*end_stream*/) {
  if (const uint64_t begun = request_.Count(data); begun > 0) stats_->CountRequestMessages(begun);
  return FilterVerdict::kContinue;
}

FilterVerdict GrpcStatsFilter::OnResponseHead(http::ResponseHead& head, bool end_stream) {
  if (stats_ == nullptr) return FilterVerdict::kContinue;
  CountStatus(head.headers);
  if (end_stream) {
    RecordTime();
  } else if (head.status == 200 && IsGrpc(head.headers)) {
    WantResponseBody(BodyWish::kSee);
  }
  return FilterVerdict::kContinue;
}

FilterVerdict GrpcStatsFilter::OnResponseData(buffer::Buffer& data, bool /*end_stream*/) {
  if (const uint64_t begun = response_.Count(data); begun > 0) stats_->CountResponseMessages(begun);
  return FilterVerdict::kContinue;
}

FilterVerdict GrpcStatsFilter::OnResponseTrailers(http::HeaderMap& trailers, buffer::Buffer& /*data*/) {
  if (stats_ == nullptr) return FilterVerdict::kContinue;
  CountStatus(trailers);
  RecordTime();
  return FilterVerdict::kContinue;
}

void GrpcStatsFilter::CountStatus(const http::HeaderMap& fields) {
  if (const http::HeaderField* status = fields.Find(HeaderId::kGrpcStatus)) stats_->CountCall(status->value);
}

void GrpcStatsFilter::RecordTime() {
  const access_log::StreamInfo& info = stream().info();
  // An answer that ended before its request, or that is the proxy's own, has no such time.
  if (!config_.upstream_time || info.upstream_request_end < Duration::zero() ||
      info.response_end < info.upstream_request_end) {
    return;
  }
  const Duration took = info.response_end - info.upstream_request_end;
  stats_->RecordUpstreamTime(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

std::unique_ptr<filter::HttpFilterFactory> MakeGrpcStatsFactory(std::shared_ptr<const GrpcStatsConfig> config,
                                                                const filter::HttpFilterServices& services) {
  return std::make_unique<Factory>(std::move(config), services.clusters);
}

}  // namespace nuncio::extensions
