#include "source/telemetry/scope_name.h"

#include "source/base/strings.h"

namespace nuncio::telemetry {

std::string SanitizeStatName(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (size_t i = 0; i < name.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (c == ':') {
      out.push_back('_');
      if (i + 1 < name.size() && name[i + 1] == '/') i += i + 2 < name.size() && name[i + 2] == '/' ? 2 : 1;
    } else {
      out.push_back(c < 0x20 || c == 0x7f ? '_' : static_cast<char>(c));
    }
  }
  while (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

ScopeName& ScopeName::Add(std::string_view text) {
  StrAppend(text_, text, '.');
  return *this;
}

ScopeName& ScopeName::AddTagged(std::string_view value, std::string_view tag) {
  const uint32_t begin = static_cast<uint32_t>(text_.size());
  text_ += SanitizeStatName(value);
  const uint32_t end = static_cast<uint32_t>(text_.size());
  text_.push_back('.');
  spans_.push_back({tag, begin, end, begin, end + 1});
  return *this;
}

ScopeName& ScopeName::AddWorker(uint32_t index) {
  text_ += "worker_";
  return AddTagged(StrCat(index), tags::kWorkerId);
}

ScopeName ServerScopeName() { return ScopeName().Add("server"); }

ScopeName ClusterScopeName(std::string_view cluster) {
  return ScopeName().Add("cluster").AddTagged(cluster, tags::kClusterName);
}

ScopeName ListenerScopeName(std::string_view address) {
  ScopeName name;
  name.Add("listener");
  // The admin interface's own listener keeps its name in full, as dashboards expect.
  return address == "admin" ? name.Add(address) : name.AddTagged(address, tags::kListenerAddress);
}

ScopeName ListenerWorkerScopeName(std::string_view address, uint32_t worker) {
  return ListenerScopeName(address).AddWorker(worker);
}

ScopeName HttpScopeName(std::string_view stat_prefix) {
  return ScopeName().Add("http").AddTagged(stat_prefix, tags::kHttpConnManagerPrefix);
}

ScopeName ListenerHttpScopeName(std::string_view address, std::string_view stat_prefix) {
  return ListenerScopeName(address).Add("http").AddTagged(stat_prefix, tags::kHttpConnManagerPrefix);
}

ScopeName RdsScopeName(std::string_view stat_prefix, std::string_view route_config) {
  return HttpScopeName(stat_prefix).Add("rds").AddTagged(route_config, tags::kRdsRouteConfig);
}

ScopeName SecretScopeName(std::string_view secret) {
  return ScopeName().Add("sds").AddTagged(secret, tags::kXdsResourceName);
}

ScopeName CertificateScopeName(ScopeName owner, std::string_view certificate) {
  owner.Add("ssl.certificate").AddTagged(certificate, tags::kTlsCertificate);
  return owner;
}

}  // namespace nuncio::telemetry
