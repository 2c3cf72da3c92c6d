#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerQuit(AdminServices& services, const AdminRequest&) {
  services.server.Quit();
  return TextAnswer(200, "OK\n");
}

}  // namespace nuncio::admin
