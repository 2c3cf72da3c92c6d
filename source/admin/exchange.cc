#include "source/admin/exchange.h"

#include "source/http/query.h"

namespace nuncio::admin {

AdminRequest::AdminRequest(http::Method method, std::string_view target)
    : method_(method), path_(target.substr(0, target.find('?'))) {
  for (const http::QueryParameter& parameter : http::QueryParameters(target)) {
    parameters_.emplace_back(http::PercentDecode(parameter.name), http::PercentDecode(parameter.value));
  }
}

std::optional<std::string_view> AdminRequest::Parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

bool AdminRequest::Flag(std::string_view name) const {
  const auto value = Parameter(name);
  return value.has_value() && *value != "false" && *value != "0";
}

AdminAnswer TextAnswer(uint32_t status, std::string body) {
  AdminAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

AdminAnswer JsonAnswer(std::string body) {
  AdminAnswer answer;
  answer.content_type = kJson;
  answer.body = std::move(body);
  return answer;
}

}  // namespace nuncio::admin
