// Look-ups in tables of growing size. Run by hand:
//   bazel run -c opt //test/route:route_benchmark
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "source/base/strings.h"
#include "source/route/config.h"
#include "source/route/decision.h"

namespace nuncio::route {
namespace {

RouteEntry ForwardTo(PathPattern::Kind kind, std::string text) {
  RouteEntry route;
  route.path.kind = kind;
  route.path.text = std::move(text);
  std::get<ForwardAction>(route.action).cluster = "cluster";
  return route;
}

std::shared_ptr<const RouteTable> TableOf(size_t virtual_hosts, size_t routes) {
  RouteTable::Fields table;
  for (size_t v = 0; v < virtual_hosts; ++v) {
    VirtualHost::Fields fields;
    fields.name = StrCat("v", v);
    fields.domains = {StrCat("host", v, ".example.com"), StrCat("*.host", v, ".example.com")};
    for (size_t r = 1; r < routes; ++r) {
      fields.routes.push_back(ForwardTo(r % 2 == 0 ? PathPattern::Kind::kExact : PathPattern::Kind::kPrefix,
                                        StrCat("/service", r, "/v1/")));
    }
    fields.routes.push_back(ForwardTo(PathPattern::Kind::kPrefix, "/"));
    table.virtual_hosts.push_back(std::make_shared<const VirtualHost>(std::move(fields)));
  }
  return std::make_shared<const RouteTable>(std::move(table));
}

void Run(benchmark::State& state, size_t virtual_hosts, size_t routes, const char* host_prefix) {
  const auto table = TableOf(virtual_hosts, routes);
  std::vector<std::pair<std::string, std::string>> requests;
  for (size_t i = 0; i < 1024; ++i) {
    requests.emplace_back(StrCat(host_prefix, "host", i * 7919 % virtual_hosts, ".example.com"),
                          StrCat("/service", i * 7919 % routes, "/v1/items/4711?page=2"));
  }
  ArenaBlockPool pool;
  Arena arena(pool);
  http::RequestHead request(arena);
  size_t i = 0;
  for (auto _ : state) {
    request.authority = requests[i & 1023].first;
    request.path = requests[i & 1023].second;
    ++i;
    benchmark::DoNotOptimize(Decide(*table, request, i));
  }
}

void BM_VirtualHosts(benchmark::State& state) { Run(state, static_cast<size_t>(state.range(0)), 1, ""); }
BENCHMARK(BM_VirtualHosts)->Arg(1)->Arg(1000)->Arg(10000);

void BM_WildcardVirtualHosts(benchmark::State& state) { Run(state, static_cast<size_t>(state.range(0)), 1, "www."); }
BENCHMARK(BM_WildcardVirtualHosts)->Arg(1)->Arg(1000)->Arg(10000);

void BM_Routes(benchmark::State& state) { Run(state, 1, static_cast<size_t>(state.range(0)), ""); }
BENCHMARK(BM_Routes)->Arg(1)->Arg(6)->Arg(100)->Arg(1000)->Arg(10000);

envoy::config::route::v3::RouteConfiguration Message(int virtual_hosts) {
  envoy::config::route::v3::RouteConfiguration message;
  for (int v = 0; v < virtual_hosts; ++v) {
    auto& host = *message.add_virtual_hosts();
    host.set_name(StrCat("v", v));
    host.add_domains(StrCat("host", v, ".example.com"));
    auto& route = *host.add_routes();
    route.mutable_match()->set_prefix("/");
    route.mutable_route()->set_cluster(StrCat("cluster", v));
  }
  return message;
}

void BM_Compile(benchmark::State& state) {
  const auto message = Message(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    config::Faults faults;
    benchmark::DoNotOptimize(CompileRouteTable(message, {}, faults));
  }
}
BENCHMARK(BM_Compile)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

// One virtual host of all has changed.
void BM_CompileChange(benchmark::State& state) {
  auto message = Message(static_cast<int>(state.range(0)));
  config::Faults faults;
  const auto previous = CompileRouteTable(message, {}, faults);
  message.mutable_virtual_hosts(7)->mutable_routes(0)->mutable_route()->set_cluster("other");
  for (auto _ : state) {
    benchmark::DoNotOptimize(CompileRouteTable(message, {.previous = previous.get()}, faults));
  }
}
BENCHMARK(BM_CompileChange)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nuncio::route

BENCHMARK_MAIN();
