#include "source/admin/endpoints.h"

#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

constexpr Endpoint kEndpoints[] = {
    {"/", "Admin home page", false, &AnswerIndex},
    {"/certs", "print certs on machine", false, &AnswerCerts},
    {"/clusters", "upstream cluster status (?format=json)", false, &AnswerClusters},
    {"/config_dump", "dump current configuration (?resource=, ?mask=, ?include_eds)", false, &AnswerConfigDump},
    {"/drain_listeners", "drain listeners (?graceful, ?inboundonly, ?skip_exit)", true, &AnswerDrainListeners},
    {"/healthcheck/fail", "cause the server to fail health checks", true, &AnswerHealthCheckFail},
    {"/healthcheck/ok", "cause the server to pass health checks", true, &AnswerHealthCheckOk},
    {"/help", "print out list of admin commands", false, &AnswerHelp},
    {"/hot_restart_version", "print the hot restart compatibility version", false, &AnswerHotRestartVersion},
    {"/listeners", "print listener info (?format=json)", false, &AnswerListeners},
    {"/logging", "query/change logging levels (?level=, ?<logger>=, ?paths=)", false, &AnswerLogging},
    {"/memory", "print current allocation/heap usage", false, &AnswerMemory},
    {"/quitquitquit", "exit the server", true, &AnswerQuit},
    {"/ready", "print server state, return 200 if LIVE, otherwise return 503", false, &AnswerReady},
    {"/reset_counters", "reset all counters to zero", true, &AnswerResetCounters},
    {"/server_info", "print server version/status information", false, &AnswerServerInfo},
    {"/stats", "print server stats (?filter=, ?usedonly, ?type=, ?format=text|json|prometheus)", false, &AnswerStats},
    {"/stats/prometheus", "print server stats in prometheus format (?filter=, ?usedonly, ?type=)", false,
     &AnswerPrometheus},
};

const Endpoint* Find(std::string_view path) {
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path == path) return &endpoint;
  }
  return nullptr;
}

std::string HelpText() {
  std::string out = "admin commands are:\n";
  for (const Endpoint& endpoint : kEndpoints) {
    StrAppend(out, "  ", endpoint.path, endpoint.changes_state ? " (POST)" : "", ": ", endpoint.help, "\n");
  }
  return out;
}

AdminAnswer WrongMethod(std::string_view allow, std::string body) {
  AdminAnswer answer = TextAnswer(405, std::move(body));
  answer.allow = allow;
  return answer;
}

}  // namespace

std::span<const Endpoint> Endpoints() { return kEndpoints; }

AdminAnswer AnswerHelp(AdminServices&, const AdminRequest&) { return TextAnswer(200, HelpText()); }

AdminAnswer Answer(AdminServices& services, const AdminRequest& request) {
  const auto& admin = services.bootstrap.admin;
  if (admin.has_value() && admin->allow_paths.has_value() && !admin->allow_paths->Matches(request.path())) {
    return TextAnswer(403, StrCat("request to path ", request.path(), " not allowed\n"));
  }
  const Endpoint* endpoint = Find(request.path());
  if (endpoint == nullptr) return TextAnswer(404, StrCat("invalid path. ", HelpText()));
  switch (request.method()) {
    case http::Method::kPost:
      break;
    case http::Method::kGet:
    case http::Method::kHead:
      if (endpoint->changes_state) {
        return WrongMethod("POST", StrCat("Method GET not allowed, POST required: ", endpoint->path,
                                          " changes the server's state.\n"));
      }
      break;
    default:
      return endpoint->changes_state ? WrongMethod("POST", "Method not allowed, POST required.\n")
                                     : WrongMethod("GET, HEAD, POST", "Method not allowed, GET or POST required.\n");
  }
  return endpoint->answer(services, request);
}

}  // namespace nuncio::admin
