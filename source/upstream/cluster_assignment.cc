#include "source/upstream/cluster_assignment.h"

namespace nuncio::upstream {

std::string_view HealthStatusName(HealthStatus health) {
  switch (health) {
    case HealthStatus::kUnknown:
      return "unknown";
    case HealthStatus::kHealthy:
      return "healthy";
    case HealthStatus::kUnhealthy:
      return "unhealthy";
    case HealthStatus::kDraining:
      return "draining";
    case HealthStatus::kTimeout:
      return "timeout";
    case HealthStatus::kDegraded:
      return "degraded";
  }
  return "unknown";
}

}  // namespace nuncio::upstream
