#include "source/http/h2/request_assembly.h"

#include <algorithm>
#include <optional>

#include "source/base/strings.h"
#include "source/http/authority.h"
#include "source/http/field_syntax.h"
#include "source/http/h2/field_rules.h"

namespace nuncio::http::h2 {
namespace {

// The method's text where it is well known; no copy is needed then.
std::string_view StaticMethod(std::string_view method) {
  for (const std::string_view known :
       {"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"}) {
    if (method == known) return known;
  }
  return {};
}

}  // namespace

std::string_view RequestAssembly::AddPseudo(std::string_view name, std::string_view value) {
  Arena& arena = head_.headers.arena();
  if (name == ":method") {
    if (has_method_) return kMessagingRule;
    has_method_ = true;
    if (!IsToken(value)) return kInvalidField;
    const std::string_view known = StaticMethod(value);
    head_.method_text = known.empty() ? arena.Copy(value) : known;
    head_.method = FindMethod(value);
  } else if (name == ":path") {
    if (has_path_) return kMessagingRule;
    has_path_ = true;
    if (!IsTargetText(value)) return kInvalidField;
    head_.path = arena.Copy(value);
  } else if (name == ":scheme") {
    if (has_scheme_) return kMessagingRule;
    has_scheme_ = true;
    if (EqualsIgnoreCase(value, "https")) {
      head_.scheme = "https";
    } else if (EqualsIgnoreCase(value, "http")) {
      head_.scheme = "http";
    } else {
      // Another scheme would be another service, whose paths and authorities nothing here understands.
      return kInvalidField;
    }
  } else if (name == ":authority") {
    if (has_authority_) return kMessagingRule;
    has_authority_ = true;
    head_.authority = arena.Copy(value);
  } else if (name == ":protocol") {
    if (has_protocol_ || !allow_connect_) return kMessagingRule;
    has_protocol_ = true;
    if (!IsToken(value)) return kInvalidField;
    head_.upgrade = arena.Copy(value);
  } else {
    return kMessagingRule;
  }
  return {};
}

std::string_view RequestAssembly::Finish() {
  std::string_view fault = CheckPseudo();
  if (fault.empty()) fault = SettleAuthority();
  if (fault.empty()) fault = SettleLength();
  if (!fault.empty()) return fault;
  if (head_.headers.Has(HeaderId::kCookie)) JoinCookies();
  if (has_protocol_) {
    // The same form as HTTP/1's upgrade.
    head_.method_text = "GET";
    head_.method = Method::kGet;
  }
  return {};
}

// RFC 9113 8.3.1, 8.5; RFC 8441 4.
std::string_view RequestAssembly::CheckPseudo() {
  if (!has_method_) return kMessagingRule;
  const bool connect = head_.method == Method::kConnect;
  if (connect && !has_protocol_) {
    return has_scheme_ || has_path_ || !has_authority_ ? kMessagingRule : std::string_view();
  }
  if (has_protocol_ && (!connect || !has_authority_)) return kMessagingRule;
  if (!has_scheme_ || !has_path_) return kMessagingRule;
  if (head_.path == "*") return head_.method == Method::kOptions ? std::string_view() : kInvalidField;
  return head_.path.empty() || head_.path.front() != '/' ? kInvalidField : std::string_view();
}

std::string_view RequestAssembly::SettleAuthority() {
  const HeaderField* host = nullptr;
  if (head_.headers.Has(HeaderId::kHost)) {
    for (const HeaderField& field : head_.headers) {
      if (field.id != HeaderId::kHost) continue;
      if (host != nullptr) return kMessagingRule;
      host = &field;
    }
    // RFC 9113 8.3.1: they must name the same.
    if (has_authority_ && !EqualsIgnoreCase(host->value, head_.authority)) return kMessagingRule;
    if (!has_authority_) head_.authority = host->value;
    head_.headers.Remove(HeaderId::kHost);
  }
  // RFC 9110 7.2: an HTTP/1.1 request would need a Host; 4.2.1: an empty one is invalid for these schemes.
  if (head_.authority.empty()) return kMessagingRule;
  const std::optional<Authority> authority = ParseAuthority(head_.authority);
  if (!authority.has_value() || authority->host.empty()) return kInvalidField;
  // RFC 9110 9.3.6.
  if (head_.method == Method::kConnect && !has_protocol_ && authority->port.empty()) return kInvalidField;
  return {};
}

std::string_view RequestAssembly::SettleLength() {
  if (!head_.headers.Has(HeaderId::kContentLength)) return {};
  bool seen = false;
  for (const HeaderField& field : head_.headers) {
    if (field.id != HeaderId::kContentLength) continue;
    const std::optional<uint64_t> length = ParseContentLength(field.value);
    if (seen || !length.has_value()) return kMessagingRule;
    seen = true;
    content_length_ = *length;
  }
  // A tunnel's bytes are no content; behind HTTP/1 the length would frame them.
  return head_.method == Method::kConnect ? kMessagingRule : std::string_view();
}

// RFC 9113 8.2.3.
void RequestAssembly::JoinCookies() {
  size_t count = 0;
  size_t size = 0;
  for (const HeaderField& field : head_.headers) {
    if (field.id != HeaderId::kCookie) continue;
    ++count;
    size += field.value.size() + 2;
  }
  if (count == 1) return;
  char* const text = head_.headers.arena().NewArray<char>(size);
  char* at = text;
  for (const HeaderField& field : head_.headers) {
    if (field.id != HeaderId::kCookie) continue;
    if (at != text) {
      *at++ = ';';
      *at++ = ' ';
    }
    at = std::copy(field.value.begin(), field.value.end(), at);
  }
  const std::string_view joined(text, static_cast<size_t>(at - text));
  head_.headers.SetReference(HeaderId::kCookie, joined);
}

}  // namespace nuncio::http::h2
