#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerReady(AdminServices& services, const AdminRequest&) {
  switch (services.server.state()) {
    case ServerState::kLive:
      return TextAnswer(200, "LIVE\n");
    case ServerState::kDraining:
      return TextAnswer(503, "DRAINING\n");
    case ServerState::kInitializing:
      break;
  }
  return TextAnswer(503, "INITIALIZING\n");
}

}  // namespace nuncio::admin
