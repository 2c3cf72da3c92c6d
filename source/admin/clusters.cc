#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "envoy/admin/v3/clusters.pb.h"
#include "source/admin/address_message.h"
#include "source/admin/endpoints.h"
#include "source/admin/host_message.h"
#include "source/admin/json_text.h"
#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

using upstream::Cluster;
using upstream::HealthStatus;
using upstream::HostEntry;
using upstream::LocalityHosts;

// Walks over all clusters and their hosts. A cluster that goes away in between is ended properly: its hosts are held.
class ClusterWalk : public BodySource {
 public:
  explicit ClusterWalk(const upstream::ClusterRegistry& clusters) : clusters_(clusters) {}

  bool Next(std::string& out, size_t max_bytes) final {
    const size_t end = out.size() + max_bytes;
    if (!started_) {
      started_ = true;
      Begin(out);
    }
    while (out.size() < end) {
      if (hosts_ != nullptr) {
        if (!NextHost(out)) {
          hosts_ = nullptr;
          EndCluster(out);
        }
        continue;
      }
      name_ = clusters_.NextName(name_);
      if (name_.empty()) {
        End(out);
        return false;
      }
      const Cluster* cluster = clusters_.FindActive(name_);
      if (cluster == nullptr) continue;  // Warming for the first time.
      hosts_ = cluster->hosts();
      locality_ = chunk_ = entry_ = 0;
      BeginCluster(*cluster, out);
    }
    return true;
  }

 protected:
  virtual void Begin(std::string& out) = 0;
  virtual void BeginCluster(const Cluster& cluster, std::string& out) = 0;
  virtual void Host(const LocalityHosts& locality, const HostEntry& entry, std::string& out) = 0;
  virtual void EndCluster(std::string& out) = 0;
  virtual void End(std::string& out) = 0;
  const std::string& name() const { return name_; }

 private:
  bool NextHost(std::string& out) {
    for (; locality_ < hosts_->localities().size(); ++locality_, chunk_ = 0) {
      const LocalityHosts& locality = hosts_->localities()[locality_];
      for (; chunk_ < locality.chunks.size(); ++chunk_, entry_ = 0) {
        const auto& entries = locality.chunks[chunk_]->entries;
        if (entry_ >= entries.size()) continue;
        Host(locality, entries[entry_++], out);
        return true;
      }
    }
    return false;
  }

  const upstream::ClusterRegistry& clusters_;
  bool started_ = false;
  std::string name_;
  upstream::HostSetPtr hosts_;
  size_t locality_ = 0;
  size_t chunk_ = 0;
  size_t entry_ = 0;
};

// In Envoy's names for what health flags say.
std::string_view HealthFlags(HealthStatus health) {
  switch (health) {
    case HealthStatus::kUnknown:
    case HealthStatus::kHealthy:
      return "healthy";
    case HealthStatus::kDegraded:
      return "/degraded_eds_health";
    case HealthStatus::kUnhealthy:
    case HealthStatus::kTimeout:
      return "/failed_eds_health";
    case HealthStatus::kDraining:
      return "/eds_status_draining";
  }
  return "";
}

// Marked so by the endpoint's metadata, as Envoy has it.
bool IsCanary(const upstream::Host& host) {
  if (host.metadata() == nullptr) return false;
  const std::string path[] = {"canary"};
  const matcher::MetadataValue* value = host.metadata()->Find("envoy.lb", path);
  const bool* canary = value == nullptr ? nullptr : std::get_if<bool>(&value->value);
  return canary != nullptr && *canary;
}

class TextWalk final : public ClusterWalk {
 public:
  using ClusterWalk::ClusterWalk;

 private:
  void Begin(std::string&) override {}
  void BeginCluster(const Cluster& cluster, std::string& out) override {
    const upstream::ClusterConfig& config = cluster.config();
    StrAppend(out, name(), "::observability_name::", config.stat_name(), "\n");
    Thresholds("default", config.thresholds(upstream::RoutingPriority::kDefault), out);
    Thresholds("high", config.thresholds(upstream::RoutingPriority::kHigh), out);
    StrAppend(out, name(), "::added_via_api::", cluster.resource().dynamic, "\n");
    if (config.eds != nullptr) StrAppend(out, name(), "::eds_service_name::", config.eds->service_name, "\n");
  }
  void Thresholds(std::string_view priority, const upstream::CircuitBreakerThresholds& limits, std::string& out) {
    const auto line = [&](std::string_view what, uint32_t value) {
      StrAppend(out, name(), "::", priority, "_priority::", what, "::", value, "\n");
    };
    line("max_connections", limits.max_connections);
    line("max_pending_requests", limits.max_pending_requests);
    line("max_requests", limits.max_requests);
    line("max_retries", limits.max_retries);
  }
  void Host(const LocalityHosts& locality, const HostEntry& entry, std::string& out) override {
    const upstream::HostStatsTotal stats = entry.host->TotalStats();
    const auto line = [&](std::string_view what, const auto& value) {
      StrAppend(out, name(), "::", entry.host->address_text(), "::", what, "::", value, "\n");
    };
    line("cx_active", stats.cx_active);
    line("cx_connect_fail", stats.cx_connect_fail);
    line("cx_total", stats.cx_total);
    line("rq_active", stats.rq_active);
    line("rq_error", stats.rq_error);
    line("rq_success", stats.rq_success);
    line("rq_timeout", stats.rq_timeout);
    line("rq_total", stats.rq_total);
    line("hostname", entry.host->hostname());
    line("health_flags", HealthFlags(entry.health));
    line("weight", entry.weight);
    line("region", locality.locality.region());
    line("zone", locality.locality.zone());
    line("sub_zone", locality.locality.sub_zone());
    line("canary", IsCanary(*entry.host));
    line("priority", locality.priority);
    // -1 says that no outlier detection measures it.
    line("success_rate", -1);
    line("local_origin_success_rate", -1);
  }
  void EndCluster(std::string&) override {}
  void End(std::string&) override {}
};

class JsonWalk final : public ClusterWalk {
 public:
  using ClusterWalk::ClusterWalk;

 private:
  void Begin(std::string& out) override { out += "{\n \"cluster_statuses\": ["; }
  void BeginCluster(const Cluster& cluster, std::string& out) override {
    const upstream::ClusterConfig& config = cluster.config();
    envoy::admin::v3::ClusterStatus status;
    status.set_name(name());
    status.set_added_via_api(cluster.resource().dynamic);
    status.set_observability_name(config.stat_name());
    if (config.eds != nullptr) status.set_eds_service_name(config.eds->service_name);
    constexpr std::pair<upstream::RoutingPriority, envoy::config::core::v3::RoutingPriority> kPriorities[] = {
        {upstream::RoutingPriority::kDefault, envoy::config::core::v3::DEFAULT},
        {upstream::RoutingPriority::kHigh, envoy::config::core::v3::HIGH},
    };
    for (const auto& [priority, name] : kPriorities) {
      const upstream::CircuitBreakerThresholds& limits = config.thresholds(priority);
      auto& out_limits = *status.mutable_circuit_breakers()->add_thresholds();
      out_limits.set_priority(name);
      out_limits.mutable_max_connections()->set_value(limits.max_connections);
      out_limits.mutable_max_pending_requests()->set_value(limits.max_pending_requests);
      out_limits.mutable_max_requests()->set_value(limits.max_requests);
      out_limits.mutable_max_retries()->set_value(limits.max_retries);
    }
    out += first_cluster_ ? "\n  {\n" : ",\n  {\n";
    first_cluster_ = false;
    first_host_ = true;
    AppendMembers(out, status, 3);
  }
  void Host(const LocalityHosts& locality, const HostEntry& entry, std::string& out) override {
    envoy::admin::v3::HostStatus status;
    FillAddress(entry.host->address(), *status.mutable_address());
    const upstream::HostStatsTotal stats = entry.host->TotalStats();
    using envoy::admin::v3::SimpleMetric;
    const auto metric = [&](SimpleMetric::Type type, const char* name, uint64_t value) {
      SimpleMetric& out = *status.add_stats();
      out.set_type(type);
      out.set_name(name);
      out.set_value(value);
    };
    metric(SimpleMetric::COUNTER, "cx_connect_fail", stats.cx_connect_fail);
    metric(SimpleMetric::COUNTER, "cx_total", stats.cx_total);
    metric(SimpleMetric::COUNTER, "rq_error", stats.rq_error);
    metric(SimpleMetric::COUNTER, "rq_success", stats.rq_success);
    metric(SimpleMetric::COUNTER, "rq_timeout", stats.rq_timeout);
    metric(SimpleMetric::COUNTER, "rq_total", stats.rq_total);
    metric(SimpleMetric::GAUGE, "cx_active", stats.cx_active);
    metric(SimpleMetric::GAUGE, "rq_active", stats.rq_active);
    // Unknown counts as healthy, and Envoy shows it so.
    const HealthStatus health = entry.health == HealthStatus::kUnknown ? HealthStatus::kHealthy : entry.health;
    status.mutable_health_status()->set_eds_health_status(ToProto(health));
    status.set_weight(entry.weight);
    status.set_hostname(entry.host->hostname());
    status.set_priority(locality.priority);
    FillLocality(locality.locality, *status.mutable_locality());
    out += first_host_ ? ",\n   \"host_statuses\": [\n    " : ",\n    ";
    first_host_ = false;
    AppendObject(out, status, 4);
  }
  void EndCluster(std::string& out) override { out += first_host_ ? "\n  }" : "\n   ]\n  }"; }
  void End(std::string& out) override { out += first_cluster_ ? "]\n}\n" : "\n ]\n}\n"; }

  bool first_cluster_ = true;
  bool first_host_ = true;
};

}  // namespace

AdminAnswer AnswerClusters(AdminServices& services, const AdminRequest& request) {
  const std::string_view format = request.Parameter("format").value_or("text");
  AdminAnswer answer;
  if (format == "json") {
    answer.content_type = kJson;
    answer.source = std::make_unique<JsonWalk>(services.clusters);
  } else if (format == "text") {
    answer.source = std::make_unique<TextWalk>(services.clusters);
  } else {
    return TextAnswer(400, "usage: /clusters?format=text|json\n");
  }
  return answer;
}

}  // namespace nuncio::admin
