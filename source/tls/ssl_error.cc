#include "source/tls/ssl_error.h"

#include <openssl/err.h>

namespace nuncio::tls {

std::string TakeErrorText(const std::string& detail) {
  std::string text;
  while (const uint32_t error = ERR_get_error()) {
    text += text.empty() ? "TLS_error:|" : "|";
    const char* const library = ERR_lib_error_string(error);
    const char* const reason = ERR_reason_error_string(error);
    text += std::to_string(error) + ":" + (library == nullptr ? "UNKNOWN" : library) + ":OPENSSL_internal:" +
            (reason == nullptr ? "UNKNOWN" : reason);
  }
  if (text.empty()) return detail;
  if (!detail.empty()) text += ":" + detail;
  return text + ":TLS_error_end";
}

std::string TakeErrorReason() {
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  const std::string text = reason == nullptr ? "UNKNOWN" : reason;
  ERR_clear_error();
  return text;
}

}  // namespace nuncio::tls
