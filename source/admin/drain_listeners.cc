#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerDrainListeners(AdminServices& services, const AdminRequest& request) {
  services.server.DrainListeners(request.Flag("graceful"), request.Flag("inboundonly"));
  return TextAnswer(200, "OK\n");
}

}  // namespace nuncio::admin
