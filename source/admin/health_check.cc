#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerHealthCheckFail(AdminServices& services, const AdminRequest&) {
  services.server.SetHealthFailing(true);
  return TextAnswer(200, "OK\n");
}

AdminAnswer AnswerHealthCheckOk(AdminServices& services, const AdminRequest&) {
  services.server.SetHealthFailing(false);
  return TextAnswer(200, "OK\n");
}

}  // namespace nuncio::admin
