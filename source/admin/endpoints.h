#pragma once

#include <span>
#include <string>
#include <string_view>

#include "source/admin/admin_services.h"
#include "source/admin/exchange.h"

namespace nuncio::admin {

// One path of the admin interface.
struct Endpoint {
  std::string_view path;
  // One line for /help.
  std::string_view help;
  // Changes something: answered to POST alone.
  bool changes_state;
  AdminAnswer (*answer)(AdminServices& services, const AdminRequest& request);
};

// All of them, in the order of their paths.
std::span<const Endpoint> Endpoints();

// The answer to a request, whatever it asks for: 404 with the list of paths, 403 for a path that the bootstrap's
// `allow_paths` leaves out, 405 for a method that the path does not take.
AdminAnswer Answer(AdminServices& services, const AdminRequest& request);

// The endpoints, one file each.
AdminAnswer AnswerIndex(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerHelp(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerCerts(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerClusters(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerConfigDump(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerDrainListeners(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerHealthCheckFail(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerHealthCheckOk(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerHotRestartVersion(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerListeners(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerLogging(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerMemory(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerPrometheus(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerQuit(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerReady(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerResetCounters(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerServerInfo(AdminServices& services, const AdminRequest& request);
AdminAnswer AnswerStats(AdminServices& services, const AdminRequest& request);

}  // namespace nuncio::admin
