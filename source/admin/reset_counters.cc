#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerResetCounters(AdminServices& services, const AdminRequest&) {
  services.stats.ResetCounters();
  return TextAnswer(200, "OK\n");
}

}  // namespace nuncio::admin
