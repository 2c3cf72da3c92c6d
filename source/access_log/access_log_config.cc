#include "source/access_log/access_log_config.h"

namespace nuncio::access_log {

void AccessLogConfig::AppendEntry(const StreamInfo& info, std::string& scratch, std::string& out) const {
  if (const auto* text = std::get_if<TextTemplate>(&format_)) {
    text->Append(info, omit_empty_, scratch, out);
    return;
  }
  std::get<JsonTemplate>(format_).Append(info, omit_empty_, scratch, out);
  out.push_back('\n');
}

}  // namespace nuncio::access_log
