#include "source/admin/endpoints.h"

namespace nuncio::admin {

// What Envoy says where hot restart is switched off. There is none here.
AdminAnswer AnswerHotRestartVersion(AdminServices&, const AdminRequest&) { return TextAnswer(200, "disabled\n"); }

}  // namespace nuncio::admin
