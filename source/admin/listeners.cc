#include "envoy/admin/v3/listeners.pb.h"
#include "source/admin/address_message.h"
#include "source/admin/endpoints.h"
#include "source/base/strings.h"
#include "source/config/message_dump.h"

namespace nuncio::admin {
namespace {

AdminAnswer Json(const AdminServices& services) {
  envoy::admin::v3::Listeners out;
  for (const auto& entry : services.listeners.Entries()) {
    if (entry.active == nullptr) continue;
    auto& status = *out.add_listener_statuses();
    status.set_name(entry.name);
    for (size_t i = 0; i < entry.addresses.size(); ++i) {
      FillAddress(entry.addresses[i],
                  i == 0 ? *status.mutable_local_address() : *status.add_additional_local_addresses());
    }
  }
  return JsonAnswer(config::MessageToJson(out) + "\n");
}

}  // namespace

AdminAnswer AnswerListeners(AdminServices& services, const AdminRequest& request) {
  const std::string_view format = request.Parameter("format").value_or("text");
  if (format == "json") return Json(services);
  if (format != "text") return TextAnswer(400, "usage: /listeners?format=text|json\n");
  std::string out;
  for (const auto& entry : services.listeners.Entries()) {
    if (entry.active == nullptr) continue;
    for (const net::Address& address : entry.addresses) StrAppend(out, entry.name, "::", address.ToString(), "\n");
  }
  return TextAnswer(200, std::move(out));
}

}  // namespace nuncio::admin
