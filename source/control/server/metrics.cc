#include "source/control/server/metrics.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "source/base/strings.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

class MetricsWriter {
 public:
  // Begins a metric; `name` without the common prefix.
  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = StrCat("nuncio_control_", name);
    StrAppend(text_, "# HELP ", name_, " ", help, "\n# TYPE ", name_, " ", type, "\n");
  }
  void Value(uint64_t value, std::string_view labels = {}, std::string_view suffix = {}) {
    StrAppend(text_, name_, suffix);
    if (!labels.empty()) StrAppend(text_, "{", labels, "}");
    StrAppend(text_, " ", value, "\n");
  }
  void Seconds(uint64_t microseconds, std::string_view suffix) {
    char digits[32];
    snprintf(digits, sizeof(digits), "%.6f", static_cast<double>(microseconds) / 1e6);
    StrAppend(text_, name_, suffix, " ", digits, "\n");
  }
  void Counter(std::string_view name, std::string_view help, const Counters::Counter& counter) {
    Begin(name, "counter", help);
    Value(counter.load(std::memory_order_relaxed));
  }
  std::string Take() && { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

std::string Label(std::string_view name, std::string_view value) {
  std::string label = StrCat(name, "=\"");
  for (const char c : value) {
    if (c == '\\' || c == '"') label += '\\';
    if (c == '\n') {
      label += "\\n";
    } else {
      label += c;
    }
  }
  return label + '"';
}

void WritePushes(const Counters& counters, MetricsWriter& writer) {
  writer.Begin("pushes_total", "counter", "Pushes and rollbacks by what came of them, without dry runs.");
  const auto value = [&](std::string_view result, const Counters::Counter& counter) {
    writer.Value(counter.load(std::memory_order_relaxed), Label("result", result));
  };
  value("taken", counters.pushes_taken);
  value("unchanged", counters.pushes_unchanged);
  value("refused", counters.pushes_refused);
  value("conflict", counters.pushes_conflicting);
  value("failed", counters.pushes_failed);
  writer.Begin("push_duration_seconds", "summary", "Time a push took to check, store and hand to the streams.");
  writer.Seconds(counters.push_microseconds.load(std::memory_order_relaxed), "_sum");
  writer.Value(counters.pushes_checked.load(std::memory_order_relaxed), {}, "_count");
}

void WriteGroups(const Publisher& publisher, MetricsWriter& writer) {
  const auto revisions = publisher.AllLatest();
  writer.Begin("group_revision", "gauge", "Latest revision of a group.");
  for (const auto& revision : revisions) writer.Value(revision->info.revision, Label("group", revision->info.group));
  writer.Begin("group_resources", "gauge", "Resources in the latest revision of a group.");
  for (const auto& revision : revisions) writer.Value(revision->set.size(), Label("group", revision->info.group));
}

void WriteFleet(const Fleet& fleet, MetricsWriter& writer) {
  struct Counts {
    uint64_t synced = 0;
    uint64_t pending = 0;
    uint64_t refused = 0;
  };
  std::map<std::string, Counts> groups;
  for (const ProxyState& proxy : fleet.List("", "")) {
    if (!proxy.connected) continue;
    Counts& counts = groups[proxy.identity.group];
    bool refused = false;
    for (const TypeStatus& type : proxy.types) refused |= type.state == TypeStatus::State::kRefused;
    ++(refused ? counts.refused : proxy.synced() ? counts.synced : counts.pending);
  }
  writer.Begin("proxies", "gauge",
               "Connected proxies: synced run the latest, refused turned down some of it, pending are on their way.");
  for (const auto& [group, counts] : groups) {
    const std::string label = Label("group", group);
    writer.Value(counts.synced, StrCat(label, ",", Label("state", "synced")));
    writer.Value(counts.pending, StrCat(label, ",", Label("state", "pending")));
    writer.Value(counts.refused, StrCat(label, ",", Label("state", "refused")));
  }
}

void WriteTls(const TlsFiles& tls, MetricsWriter& writer) {
  const std::shared_ptr<const TlsFiles::Material> current = tls.current();
  const auto seconds = [](SystemTime time) {
    return static_cast<uint64_t>(
        std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count()));
  };
  writer.Begin("tls_expiration_timestamp_seconds", "gauge",
               "When the first of the certificates in use expires, in seconds since 1970.");
  writer.Value(seconds(current->certificate_not_after), Label("file", tls.paths().certificate));
  if (current->client_ca_not_after.has_value()) {
    writer.Value(seconds(*current->client_ca_not_after), Label("file", tls.paths().client_ca));
  }
  writer.Begin("tls_reloads_total", "counter", "Changes of the TLS files by what came of them.");
  writer.Value(tls.taken(), Label("result", "taken"));
  writer.Value(tls.refused(), Label("result", "refused"));
  writer.Begin("tls_files_refused", "gauge",
               "1 while the TLS files hold what was refused, so that older ones are in use.");
  writer.Value(tls.refusing() ? 1 : 0);
}

}  // namespace

std::string MetricsText(const MetricsSources& sources, size_t open_streams) {
  MetricsWriter writer;
  writer.Begin("xds_streams", "gauge", "xDS streams open now.");
  writer.Value(open_streams);
  const Counters& counters = sources.counters;
  writer.Counter("xds_streams_opened_total", "xDS streams opened.", counters.xds_streams_opened);
  writer.Counter("xds_streams_refused_total", "xDS streams ended for what the client sent.",
                 counters.xds_streams_refused);
  writer.Counter("xds_requests_total", "Discovery requests read.", counters.xds_requests);
  writer.Counter("xds_responses_total", "Discovery responses sent.", counters.xds_responses);
  writer.Counter("xds_response_bytes_total", "Bytes of discovery responses sent.", counters.xds_response_bytes);
  writer.Counter("xds_acknowledged_total", "Requests that took a response, or repeated that.",
                 counters.xds_acknowledged);
  writer.Counter("xds_refused_total", "Requests that refused a response.", counters.xds_refused);
  WritePushes(counters, writer);
  WriteGroups(sources.publisher, writer);
  WriteFleet(sources.fleet, writer);
  const absl::StatusOr<uint64_t> size = sources.store.SizeOnDisk();
  if (size.ok()) {
    writer.Begin("store_bytes", "gauge", "Size of the store on disk.");
    writer.Value(*size);
  }
  if (sources.tls != nullptr) WriteTls(*sources.tls, writer);
  return std::move(writer).Take();
}

}  // namespace nuncio::control
