#pragma once

#include <memory>
#include <string_view>

#include "source/extensions/http/grpc_stats/filter_config.h"
#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"
#include "source/http/grpc/frame_counter.h"
#include "source/telemetry/grpc_stats.h"
#include "source/upstream/worker_clusters.h"

namespace nuncio::extensions {

// Counts a gRPC call and its messages below the cluster that it is for. What is no gRPC passes unseen.
class GrpcStatsFilter final : public filter::HttpFilter {
 public:
  GrpcStatsFilter(filter::HttpFilterHandle& stream, const GrpcStatsConfig& config, upstream::WorkerClusters& clusters)
      : HttpFilter(stream), config_(config), clusters_(clusters) {}

  filter::FilterVerdict OnRequestHead(http::RequestHead& head, bool end_stream) override;
  filter::FilterVerdict OnRequestData(buffer::Buffer& data, bool end_stream) override;
  filter::FilterVerdict OnResponseHead(http::ResponseHead& head, bool end_stream) override;
  filter::FilterVerdict OnResponseData(buffer::Buffer& data, bool end_stream) override;
  filter::FilterVerdict OnResponseTrailers(http::HeaderMap& trailers, buffer::Buffer& data) override;

 private:
  telemetry::GrpcMethodStats& StatsOf(std::string_view method);
  // `fields`: trailers, or a head that may stand for them.
  void CountStatus(const http::HeaderMap& fields);
  void RecordTime();

  const GrpcStatsConfig& config_;
  upstream::WorkerClusters& clusters_;
  // Keeps `stats_`.
  upstream::WorkerClusterRef cluster_;
  // Null: not a call that is counted.
  telemetry::GrpcMethodStats* stats_ = nullptr;
  http::grpc::FrameCounter request_;
  http::grpc::FrameCounter response_;
};

std::unique_ptr<filter::HttpFilterFactory> MakeGrpcStatsFactory(std::shared_ptr<const GrpcStatsConfig> config,
                                                                const filter::HttpFilterServices& services);

}  // namespace nuncio::extensions
