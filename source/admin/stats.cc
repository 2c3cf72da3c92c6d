#include <utility>

#include "source/admin/endpoints.h"
#include "source/base/strings.h"
#include "source/telemetry/stats_cursor.h"

namespace nuncio::admin {
namespace {

using telemetry::StatsQuery;

// Prometheus 3 refuses text without a version that it knows.
constexpr std::string_view kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

class CursorSource final : public BodySource {
 public:
  explicit CursorSource(std::unique_ptr<telemetry::StatsCursor> cursor) : cursor_(std::move(cursor)) {}
  bool Next(std::string& out, size_t max_bytes) override { return cursor_->Next(out, max_bytes); }

 private:
  const std::unique_ptr<telemetry::StatsCursor> cursor_;
};

bool ReadType(std::string_view text, StatsQuery::Type& out) {
  constexpr std::pair<std::string_view, StatsQuery::Type> kTypes[] = {
      {"All", StatsQuery::Type::kAll},
      {"Counters", StatsQuery::Type::kCounters},
      {"Gauges", StatsQuery::Type::kGauges},
      {"Histograms", StatsQuery::Type::kHistograms},
      {"TextReadouts", StatsQuery::Type::kTextReadouts},
  };
  for (const auto& [name, type] : kTypes) {
    if (!EqualsIgnoreCase(name, text)) continue;
    out = type;
    return true;
  }
  return false;
}

AdminAnswer Show(AdminServices& services, const AdminRequest& request, StatsQuery::Format format) {
  StatsQuery query;
  query.format = format;
  query.used_only = request.Flag("usedonly");
  query.filter = request.Parameter("filter").value_or("");
  if (const auto type = request.Parameter("type"); type.has_value() && !ReadType(*type, query.type)) {
    return TextAnswer(400, "type must be All, Counters, Gauges, Histograms or TextReadouts\n");
  }
  auto cursor = services.stats.Query(query);
  if (!cursor.ok()) return TextAnswer(400, StrCat("filter: ", cursor.status().message(), "\n"));
  AdminAnswer answer;
  if (format == StatsQuery::Format::kJson) answer.content_type = kJson;
  if (format == StatsQuery::Format::kPrometheus) answer.content_type = kPrometheusText;
  answer.source = std::make_unique<CursorSource>(*std::move(cursor));
  return answer;
}

}  // namespace

AdminAnswer AnswerStats(AdminServices& services, const AdminRequest& request) {
  const std::string_view format = request.Parameter("format").value_or("text");
  if (format == "text") return Show(services, request, StatsQuery::Format::kText);
  if (format == "json") return Show(services, request, StatsQuery::Format::kJson);
  if (format == "prometheus") return Show(services, request, StatsQuery::Format::kPrometheus);
  return TextAnswer(400, "usage: /stats?format=text|json|prometheus\n");
}

AdminAnswer AnswerPrometheus(AdminServices& services, const AdminRequest& request) {
  return Show(services, request, StatsQuery::Format::kPrometheus);
}

}  // namespace nuncio::admin
