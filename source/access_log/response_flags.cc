#include "source/access_log/response_flags.h"

#include <iterator>

namespace nuncio::access_log {
namespace {

struct Names {
  std::string_view short_name;
  std::string_view long_name;
};
constexpr Names kNames[] = {
#define X(identifier, short_name, long_name) {short_name, long_name},
    NUNCIO_RESPONSE_FLAGS(X)
#undef X
};
static_assert(std::size(kNames) == static_cast<size_t>(ResponseFlag::kCount));

void Append(ResponseFlags flags, std::string_view Names::*name, std::string& out) {
  if (!flags.any()) {
    out.push_back('-');
    return;
  }
  bool first = true;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (!flags.Has(static_cast<ResponseFlag>(i))) continue;
    if (!first) out.push_back(',');
    out += kNames[i].*name;
    first = false;
  }
}

}  // namespace

void AppendShortNames(ResponseFlags flags, std::string& out) { Append(flags, &Names::short_name, out); }

void AppendLongNames(ResponseFlags flags, std::string& out) { Append(flags, &Names::long_name, out); }

bool FindResponseFlag(std::string_view short_name, ResponseFlag* flag) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i].short_name != short_name) continue;
    *flag = static_cast<ResponseFlag>(i);
    return true;
  }
  return false;
}

}  // namespace nuncio::access_log
