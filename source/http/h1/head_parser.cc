#include "source/http/h1/head_parser.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "source/base/strings.h"
#include "source/http/authority.h"
#include "source/http/field_syntax.h"
#include "source/http/h1/errors.h"

namespace nuncio::http::h1 {
namespace {

// Why `c` ended a run that should have gone on to a CRLF.
const DecodeError* LineFault(char c, const DecodeError& otherwise) {
  if (c == '\n') return &kBareLf;
  if (c == '\r') return &kBareCr;
  return &otherwise;
}

// "HTTP/" DIGIT "." DIGIT (RFC 9112 2.3).
constexpr size_t kVersionSize = 8;
bool IsVersion(const char* p) {
  return memcmp(p, "HTTP/", 5) == 0 && IsDigit(p[5]) && p[6] == '.' && IsDigit(p[7]);
}

// What is wrong with a line that has no name before a colon. `line` goes on beyond the line's end.
const DecodeError* NameFault(std::string_view line) {
  size_t n = 0;
  while (n < line.size() && IsTokenChar(line[n])) ++n;
  if (n == line.size() || line[n] == ':') return &kInvalidHeaderName;  // Empty.
  switch (line[n]) {
    case '\r':
      return line.substr(n + 1).starts_with('\n') ? &kMissingColon : &kBareCr;
    case '\n':
      return &kBareLf;
    case ' ':
    case '\t': {
      // RFC 9112 5.1: no white space between name and colon.
      const size_t next = line.find_first_not_of(" \t", n);
      return n > 0 && next != std::string_view::npos && line[next] == ':' ? &kSpaceBeforeColon : &kInvalidHeaderName;
    }
    default:
      return &kInvalidHeaderName;
  }
}

// "http://authority/path" (RFC 9112 3.2.2).
const DecodeError* ParseAbsoluteForm(std::string_view target, const H1Options& options, RequestHead& head) {
  if (!options.allow_absolute_url) return &kAbsoluteFormRefused;
  if (StartsWithIgnoreCase(target, "http://")) {
    head.scheme = "http";
    target.remove_prefix(7);
  } else if (StartsWithIgnoreCase(target, "https://")) {
    head.scheme = "https";
    target.remove_prefix(8);
  } else {
    return &kInvalidTarget;
  }
  const size_t authority_size = std::min(target.find_first_of("/?"), target.size());
  head.authority = target.substr(0, authority_size);
  head.path = target.substr(authority_size);
  // RFC 9110 4.2.1: an empty host is invalid. Userinfo is refused with the characters of the authority (4.2.4).
  const std::optional<Authority> authority = ParseAuthority(head.authority);
  if (!authority.has_value() || authority->host.empty()) return &kInvalidTarget;
  if (head.path.empty()) {
    // RFC 9112 3.2.4: an OPTIONS without a path is the server's.
    head.path = head.method == Method::kOptions ? "*" : "/";
  } else if (head.path.front() == '?') {
    head.path = head.headers.arena().Concat("/", head.path);
  }
  head.absolute_form = true;
  return nullptr;
}

// The four forms of a target (RFC 9112 3.2).
const DecodeError* ParseTarget(std::string_view target, const H1Options& options, RequestHead& head) {
  if (head.method == Method::kConnect) {
    const std::optional<Authority> authority = ParseAuthority(target);
    if (!authority.has_value() || authority->host.empty() || authority->port.empty()) return &kInvalidTarget;
    head.authority = target;
    return nullptr;
  }
  if (target.front() == '/') {
    head.path = target;
    return nullptr;
  }
  if (target == "*") {
    if (head.method != Method::kOptions) return &kInvalidTarget;
    head.path = target;
    return nullptr;
  }
  return ParseAbsoluteForm(target, options, head);
}

// RFC 9112 3.2: exactly one Host in HTTP/1.1, though a target in absolute form or of CONNECT outweighs it.
const DecodeError* ParseHost(const HostField& host, const H1Options& options, RequestHead& head) {
  if (host.count > 1) return &kMultipleHost;
  const bool from_target = !head.authority.empty();
  if (host.count == 1) {
    if (!ParseAuthority(host.value).has_value()) return &kInvalidHost;
    head.host_name = host.name;
    if (!from_target) head.authority = host.value;
    return nullptr;
  }
  if (head.protocol != Protocol::kHttp10) return &kMissingHost;
  if (from_target) return nullptr;
  if (options.default_host_for_http_10.empty()) return &kMissingHost;
  head.authority = options.default_host_for_http_10;
  return nullptr;
}

}  // namespace

const DecodeError* ParseRequestLine(std::string_view text, const H1Options& options, RequestLine* line) {
  // Both loops end at the line's LF at the latest.
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  while (IsTokenChar(*p)) ++p;
  if (p == begin || *p != ' ') return &kInvalidMethod;
  line->method = std::string_view(begin, static_cast<size_t>(p - begin));

  const char* const target = ++p;
  while (IsTargetChar(*p)) ++p;
  if (*p == '\r' || *p == '\n') return &kInvalidRequestLine;  // HTTP/0.9, or no target.
  if (p == target || *p != ' ') return &kInvalidTarget;
  line->target = std::string_view(target, static_cast<size_t>(p - target));

  ++p;
  if (end - p < static_cast<ptrdiff_t>(kVersionSize + 1) || !IsVersion(p)) return &kInvalidVersion;
  const char major = p[5];
  line->minor_version = p[7] == '0' ? 0 : 1;
  const char* const after = p + kVersionSize;
  if (*after == '\n') return &kBareLf;
  if (*after != '\r') return &kInvalidVersion;
  if (after + 1 == end || after[1] != '\n') return &kBareCr;
  line->size = static_cast<size_t>(after + 2 - begin);

  if (major != '1') {
    // RFC 9113 3.4.
    if (line->method == "PRI" && line->target == "*" && major == '2') return &kHttp2Preface;
    return &kUnsupportedVersion;
  }
  if (line->minor_version == 0 && !options.accept_http_10) return &kLowVersion;
  return nullptr;
}

const DecodeError* ParseFields(std::string_view text, uint32_t max_fields, const DecodeError& too_many,
                               HeaderMap& headers, HostField* host) {
  const char* p = text.data();
  const char* const end = p + text.size();
  for (uint32_t count = 0;; ++count) {
    if (*p == '\r') return p[1] == '\n' ? nullptr : &kBareCr;
    if (count == max_fields) return &too_many;

    const char* const colon = SkipTo(p, end, ':');
    const std::string_view name(p, static_cast<size_t>(colon - p));
    const HeaderId id = FindHeaderId(name);
    // Names that have an id are known to be tokens.
    if (id == HeaderId::kOther && (colon == end || !IsToken(name))) [[unlikely]] {
      // RFC 9112 5.2: a line that goes on; or 2.2: white space after the start line.
      if (*p == ' ' || *p == '\t') return &kObsFold;
      return NameFault(std::string_view(p, static_cast<size_t>(end - p)));
    }

    p = colon + 1;
    while (*p == ' ' || *p == '\t') ++p;
    const char* const value = p;
    // Stops at the text's last LF at the latest.
    p = SkipFieldValue(p, end);
    if (*p != '\r' || p[1] != '\n') return LineFault(*p, kInvalidHeaderValue);
    const char* value_end = p;
    while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
    p += 2;

    const std::string_view field_value(value, static_cast<size_t>(value_end - value));
    if (id == HeaderId::kHost && host != nullptr) {
      host->name = name;
      host->value = field_value;
      ++host->count;
    } else {
      headers.AddReference(id, name, field_value);
    }
  }
}

const DecodeError* ParseRequestHead(std::string_view block, const H1Options& options, RequestHead& head) {
  RequestLine line;
  if (const DecodeError* fault = ParseRequestLine(block, options, &line)) return fault;
  HostField host;
  if (const DecodeError* fault =
          ParseFields(block.substr(line.size), options.max_headers, kTooManyHeaders, head.headers, &host)) {
    return fault;
  }
  head.method_text = line.method;
  head.method = FindMethod(line.method);
  head.protocol = line.minor_version == 0 ? Protocol::kHttp10 : Protocol::kHttp11;
  head.scheme = options.scheme;
  if (const DecodeError* fault = ParseTarget(line.target, options, head)) return fault;
  return ParseHost(host, options, head);
}

const DecodeError* ParseResponseHead(std::string_view block, const H1Options& options, ResponseHead& head) {
  // HTTP-version SP 3DIGIT [ SP reason ] CRLF (RFC 9112 4). The block's padding makes the first reads safe. A missing
  // space before an absent reason is common enough, and harmless.
  const char* p = block.data();
  const char* const end = p + block.size();
  if (!IsVersion(p) || p[5] != '1' || p[8] != ' ') return &kInvalidStatusLine;
  if (!IsDigit(p[9]) || !IsDigit(p[10]) || !IsDigit(p[11]) || p[9] == '0') return &kInvalidStatusLine;
  head.protocol = p[7] == '0' ? Protocol::kHttp10 : Protocol::kHttp11;
  head.status = static_cast<uint32_t>((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
  p += 12;
  if (*p == ' ') {
    const char* const reason = ++p;
    p = SkipFieldValue(p, end);
    head.reason = std::string_view(reason, static_cast<size_t>(p - reason));
  }
  if (p >= end || *p != '\r' || p[1] != '\n') return LineFault(p >= end ? ' ' : *p, kInvalidStatusLine);
  return ParseFields(block.substr(static_cast<size_t>(p + 2 - block.data())), options.max_headers, kTooManyHeaders,
                     head.headers, nullptr);
}

}  // namespace nuncio::http::h1
