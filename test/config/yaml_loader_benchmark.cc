// How long configurations of many virtual hosts take, step by step.
#include <string>

#include "benchmark/benchmark.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/base/strings.h"
#include "source/config/fault.h"
#include "source/config/message_dump.h"
#include "source/config/typed_config.h"
#include "source/config/yaml_loader.h"

namespace nuncio::config {
namespace {

using envoy::config::route::v3::RouteConfiguration;

RouteConfiguration MakeRoutes(int64_t virtual_hosts) {
  RouteConfiguration routes;
  routes.set_name("benchmark");
  for (int64_t i = 0; i < virtual_hosts; ++i) {
    auto* host = routes.add_virtual_hosts();
    host->set_name(StrCat("host", i));
    host->add_domains(StrCat("host", i, ".example.com"));
    for (const char* prefix : {"/api", "/static", "/"}) {
      auto* route = host->add_routes();
      route->mutable_match()->set_prefix(prefix);
      route->mutable_route()->set_cluster(StrCat("cluster", i));
      route->mutable_route()->mutable_timeout()->set_seconds(15);
    }
  }
  return routes;
}

void ReportSize(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
  state.SetItemsProcessed(state.range(0) * state.iterations());
}

void Load(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    RouteConfiguration routes;
    Faults faults;
    if (!LoadText(text, TextFormat::kAuto, routes, faults)) state.SkipWithError(faults.ToString().c_str());
  }
  ReportSize(state, text.size());
}

void BM_LoadYaml(benchmark::State& state) { Load(state, MessageToYaml(MakeRoutes(state.range(0)))); }
BENCHMARK(BM_LoadYaml)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

void BM_LoadJson(benchmark::State& state) { Load(state, MessageToJson(MakeRoutes(state.range(0)))); }
BENCHMARK(BM_LoadJson)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

void BM_ParseAndCheck(benchmark::State& state) {
  const std::string bytes = MakeRoutes(state.range(0)).SerializeAsString();
  for (auto _ : state) {
    RouteConfiguration routes;
    Faults faults;
    if (!ParseAndCheck(bytes, routes, faults)) state.SkipWithError(faults.ToString().c_str());
  }
  ReportSize(state, bytes.size());
}
BENCHMARK(BM_ParseAndCheck)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

void BM_DumpJson(benchmark::State& state) {
  const RouteConfiguration routes = MakeRoutes(state.range(0));
  size_t size = 0;
  for (auto _ : state) size = MessageToJson(routes).size();
  ReportSize(state, size);
}
BENCHMARK(BM_DumpJson)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nuncio::config

BENCHMARK_MAIN();
