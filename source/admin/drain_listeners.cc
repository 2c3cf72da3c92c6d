#include "source/admin/endpoints.h"

namespace nuncio::admin {

AdminAnswer AnswerDrainListeners(AdminServices& services, const AdminRequest& request) {
  ServerControl::ListenerDrain drain;
  drain.graceful = request.Flag("graceful");
  drain.inbound_only = request.Flag("inboundonly");
  drain.keep_listening = request.Flag("skip_exit");
  if (drain.keep_listening && !drain.graceful) return TextAnswer(400, "skip_exit requires graceful\n");
  services.server.DrainListeners(drain);
  return TextAnswer(200, "OK\n");
}

}  // namespace nuncio::admin
