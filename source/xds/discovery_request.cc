#include "source/xds/discovery_request.h"

#include <algorithm>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/strings.h"

namespace nuncio::xds {
namespace {

constexpr int kInvalidArgument = 3;

// Length of the UTF-8 character that `s` begins with; 0 where there is none (RFC 3629 4).
size_t CharacterLength(std::string_view s) {
  const auto at = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto follows = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && at(1) < 0xa0) return 0;
    if (first == 0xed && at(1) > 0x9f) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && at(1) < 0x90) return 0;
    if (first == 0xf4 && at(1) > 0x8f) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// Servers refuse a whole message for one string that is no UTF-8, and faults quote what was refused.
std::string ValidUtf8(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  while (!s.empty()) {
    const size_t length = CharacterLength(s);
    if (length == 0) {
      out += '?';
      s.remove_prefix(1);
    } else {
      out.append(s.substr(0, length));
      s.remove_prefix(length);
    }
  }
  return out;
}

void AppendName(const std::string& name, std::string& out) {
  envoy::service::discovery::v3::DiscoveryRequest message;
  message.add_resource_names(name);
  message.AppendToString(&out);
}

// The wire form of the first of `names`, which is well formed, and the name itself: tag, length, bytes.
std::string_view FirstName(std::string_view names, std::string_view& name) {
  size_t at = 1;
  size_t length = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(names[at++]);
    length |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  name = names.substr(at, length);
  return names.substr(0, at + length);
}

}  // namespace

std::string ChangeNames(std::string_view names, const std::set<std::string, std::less<>>& came,
                        const std::set<std::string, std::less<>>& went) {
  std::string out;
  out.reserve(names.size() + 64);
  auto next = came.begin();
  while (!names.empty()) {
    std::string_view name;
    const std::string_view first = FirstName(names, name);
    for (; next != came.end() && *next <= name; ++next) {
      if (*next < name) AppendName(*next, out);
    }
    if (!went.contains(name)) out += first;
    names.remove_prefix(first.size());
  }
  for (; next != came.end(); ++next) AppendName(*next, out);
  return out;
}

std::string CutLines(std::string_view lines, size_t limit) {
  if (lines.size() <= limit) return std::string(lines);
  const size_t end = lines.rfind('\n', limit);
  const std::string_view kept = lines.substr(0, end == std::string_view::npos ? limit : end);
  const auto missing = std::count(lines.begin() + static_cast<ptrdiff_t>(kept.size()) + 1, lines.end(), '\n') + 1;
  return StrCat(kept, "\n", missing, " more");
}

std::string Encode(const DiscoveryRequest& request) {
  envoy::service::discovery::v3::DiscoveryRequest message;
  message.set_type_url(std::string(request.type_url));
  message.set_version_info(std::string(request.version));
  message.set_response_nonce(std::string(request.nonce));
  if (!request.node.empty()) {
    // Ours, serialized by ourselves.
    message.mutable_node()->ParseFromArray(request.node.data(), static_cast<int>(request.node.size()));
  }
  if (!request.error.empty()) {
    message.mutable_error_detail()->set_code(kInvalidArgument);
    message.mutable_error_detail()->set_message(ValidUtf8(CutLines(request.error, kMaxErrorLength)));
  }
  std::string out;
  message.AppendToString(&out);
  // Fields may come in any order.
  out += request.names;
  return out;
}

}  // namespace nuncio::xds
