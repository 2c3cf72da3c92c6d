#include "source/tls/client_hello.h"

#include <openssl/digest.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace nuncio::tls {
namespace {

constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloMessage = 1;
// RFC 8446 5.1.
constexpr size_t kMaxRecord = 16384;

enum Extension : uint16_t {
  kServerName = 0,
  kGroups = 10,
  kPointFormats = 11,
  kSignatureAlgorithms = 13,
  kAlpn = 16,
  kSupportedVersions = 43,
};

// RFC 8701: 0x0a0a, 0x1a1a, ... 0xfafa.
bool IsGrease(uint16_t value) { return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff); }

uint8_t Byte(std::string_view s, size_t at) { return static_cast<uint8_t>(s[at]); }
uint16_t Word(std::string_view s, size_t at) { return static_cast<uint16_t>(Byte(s, at) << 8 | Byte(s, at + 1)); }

// Takes from the front; every Take fails once one has failed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  bool empty() const { return rest_.empty(); }
  std::string_view Bytes(size_t size) {
    if (failed_ || rest_.size() < size) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint8_t U8() {
    const std::string_view taken = Bytes(1);
    return taken.empty() ? 0 : Byte(taken, 0);
  }
  uint16_t U16() {
    const std::string_view taken = Bytes(2);
    return taken.empty() ? 0 : Word(taken, 0);
  }
  // A vector with its length before it.
  std::string_view Vector8() { return Bytes(U8()); }
  std::string_view Vector16() { return Bytes(U16()); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// False where the bytes are no whole number of words.
bool ReadWords(std::string_view bytes, std::vector<uint16_t>& out) {
  if (bytes.size() % 2 != 0) return false;
  out.reserve(bytes.size() / 2);
  for (size_t i = 0; i < bytes.size(); i += 2) out.push_back(Word(bytes, i));
  return true;
}

// RFC 6066 3.
bool ReadServerName(std::string_view body, ClientHello& hello) {
  Reader extension(body);
  Reader list(extension.Vector16());
  if (extension.failed() || !extension.empty()) return false;
  hello.has_sni = true;
  while (!list.empty()) {
    const uint8_t type = list.U8();
    const std::string_view name = list.Vector16();
    if (list.failed()) return false;
    if (type != 0 || !hello.sni.empty()) continue;
    // A NUL, or another byte that is in no host name, would be read differently by different parties.
    const auto fit = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
    if (name.empty() || name.size() > 255 || !std::all_of(name.begin(), name.end(), fit)) return false;
    hello.sni = name;
    for (char& c : hello.sni) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return true;
}

// RFC 7301 3.1.
bool ReadAlpn(std::string_view body, ClientHello& hello) {
  Reader extension(body);
  Reader list(extension.Vector16());
  if (extension.failed() || !extension.empty()) return false;
  while (!list.empty()) {
    const std::string_view protocol = list.Vector8();
    if (list.failed() || protocol.empty()) return false;
    hello.alpn.emplace_back(protocol);
  }
  return true;
}

bool ReadExtension(uint16_t type, std::string_view body, ClientHello& hello) {
  Reader reader(body);
  switch (type) {
    case kServerName:
      return ReadServerName(body, hello);
    case kAlpn:
      return ReadAlpn(body, hello);
    case kGroups:
      return ReadWords(reader.Vector16(), hello.groups) && !reader.failed();
    case kSignatureAlgorithms:
      return ReadWords(reader.Vector16(), hello.signature_algorithms) && !reader.failed();
    case kSupportedVersions:
      return ReadWords(reader.Vector8(), hello.supported_versions) && !reader.failed();
    case kPointFormats: {
      const std::string_view formats = reader.Vector8();
      hello.point_formats.assign(formats.begin(), formats.end());
      return !reader.failed();
    }
    default:
      return true;
  }
}

bool ReadExtensions(std::string_view bytes, ClientHello& hello) {
  Reader reader(bytes);
  while (!reader.empty()) {
    const uint16_t type = reader.U16();
    const std::string_view body = reader.Vector16();
    if (reader.failed()) return false;
    // RFC 8446 4.2: no type twice. Looked for only where two would contradict each other.
    if (type <= kSupportedVersions &&
        std::find(hello.extensions.begin(), hello.extensions.end(), type) != hello.extensions.end()) {
      return false;
    }
    hello.extensions.push_back(type);
    if (!ReadExtension(type, body, hello)) return false;
  }
  return true;
}

std::string Hex(const uint8_t* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

std::string HexWord(uint16_t value) {
  const uint8_t bytes[] = {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
  return Hex(bytes, 2);
}

template <typename Values>
void AppendDecimals(const Values& values, std::string& out) {
  bool first = true;
  for (const auto value : values) {
    if (IsGrease(value)) continue;
    if (!first) out += '-';
    first = false;
    out += std::to_string(value);
  }
}

std::vector<uint16_t> WithoutGrease(const std::vector<uint16_t>& values) {
  std::vector<uint16_t> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](uint16_t value) { return !IsGrease(value); });
  return out;
}

std::string JoinHex(const std::vector<uint16_t>& values) {
  std::string out;
  for (const uint16_t value : values) {
    if (!out.empty()) out += ',';
    out += HexWord(value);
  }
  return out;
}

// The first 12 digits of the SHA-256; zeros for an empty text.
std::string ShortHash(std::string_view text) {
  if (text.empty()) return "000000000000";
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  return Hex(digest, 6);
}

std::string_view Ja4Version(uint16_t version) {
  switch (version) {
    case 0x0304: return "13";
    case 0x0303: return "12";
    case 0x0302: return "11";
    case 0x0301: return "10";
    case 0x0300: return "s3";
    case 0x0002: return "s2";
    default: return "00";
  }
}

std::string Ja4Count(size_t count) {
  count = std::min<size_t>(count, 99);
  return {static_cast<char>('0' + count / 10), static_cast<char>('0' + count % 10)};
}

std::string Ja4Alpn(const std::vector<std::string>& alpn) {
  if (alpn.empty()) return "00";
  const std::string& first = alpn.front();
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (alnum(first.front()) && alnum(first.back())) return {first.front(), first.back()};
  const std::string hex = Hex(reinterpret_cast<const uint8_t*>(first.data()), first.size());
  return {hex.front(), hex.back()};
}

}  // namespace

uint16_t ClientHello::max_version() const {
  uint16_t best = 0;
  for (const uint16_t version : supported_versions) {
    if (!IsGrease(version)) best = std::max(best, version);
  }
  return supported_versions.empty() ? legacy_version : best;
}

std::string ClientHello::Ja3Text() const {
  std::string text = std::to_string(legacy_version) + ",";
  AppendDecimals(cipher_suites, text);
  text += ',';
  AppendDecimals(extensions, text);
  text += ',';
  AppendDecimals(groups, text);
  text += ',';
  AppendDecimals(point_formats, text);
  return text;
}

std::string ClientHello::Ja3() const {
  const std::string text = Ja3Text();
  uint8_t digest[MD5_DIGEST_LENGTH];
  MD5(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  return Hex(digest, sizeof(digest));
}

std::string ClientHello::Ja4() const {
  std::vector<uint16_t> ciphers = WithoutGrease(cipher_suites);
  std::vector<uint16_t> types = WithoutGrease(extensions);
  std::string out = "t";
  out += Ja4Version(max_version());
  out += has_sni ? 'd' : 'i';
  out += Ja4Count(ciphers.size()) + Ja4Count(types.size()) + Ja4Alpn(alpn);
  std::sort(ciphers.begin(), ciphers.end());
  out += '_' + ShortHash(JoinHex(ciphers));
  std::erase_if(types, [](uint16_t type) { return type == kServerName || type == kAlpn; });
  std::sort(types.begin(), types.end());
  std::string rest = JoinHex(types);
  if (const auto algorithms = WithoutGrease(signature_algorithms); !algorithms.empty()) {
    rest += '_' + JoinHex(algorithms);
  }
  return out + '_' + ShortHash(rest);
}

HelloState ParseClientHelloBody(std::string_view body, ClientHello* out) {
  ClientHello hello;
  Reader reader(body);
  hello.legacy_version = reader.U16();
  reader.Bytes(32);  // random
  const std::string_view session_id = reader.Vector8();
  const std::string_view ciphers = reader.Vector16();
  reader.Vector8();  // compression methods
  if (reader.failed() || session_id.size() > 32 || !ReadWords(ciphers, hello.cipher_suites)) {
    return HelloState::kMalformed;
  }
  if (!reader.empty()) {
    const std::string_view extensions = reader.Vector16();
    if (reader.failed() || !reader.empty() || !ReadExtensions(extensions, hello)) return HelloState::kMalformed;
  }
  *out = std::move(hello);
  return HelloState::kComplete;
}

HelloState ParseClientHello(std::string_view bytes, size_t max_size, ClientHello* out) {
  // The message's bytes, of which the first four are its header; gathered only where it spans records.
  std::string gathered;
  std::string_view message;
  size_t at = 0;
  size_t total = 0;  // Of the message; 0: unknown.
  for (;;) {
    const std::string_view rest = bytes.substr(at);
    if (rest.empty()) return HelloState::kIncomplete;
    if (Byte(rest, 0) != kHandshakeRecord) return at == 0 ? HelloState::kNotTls : HelloState::kMalformed;
    if (rest.size() >= 2 && Byte(rest, 1) != 3) return at == 0 ? HelloState::kNotTls : HelloState::kMalformed;
    if (rest.size() < kRecordHeader) return HelloState::kIncomplete;
    const size_t length = Word(rest, 3);
    if (length == 0 || length > kMaxRecord) return HelloState::kMalformed;
    const bool whole = rest.size() >= kRecordHeader + length;
    const std::string_view part = rest.substr(kRecordHeader, length);
    if (at == 0) {
      message = part;
    } else {
      if (gathered.empty()) gathered = message;
      gathered += part;
      message = gathered;
    }
    if (!message.empty() && Byte(message, 0) != kClientHelloMessage) return HelloState::kMalformed;
    if (message.size() >= kMessageHeader) {
      total = kMessageHeader + (size_t{Byte(message, 1)} << 16 | Word(message, 2));
      if (total > max_size) return HelloState::kTooLarge;
      if (message.size() >= total) {
        return ParseClientHelloBody(message.substr(kMessageHeader, total - kMessageHeader), out);
      }
    }
    at += kRecordHeader + length;
    if (at > max_size) return HelloState::kTooLarge;
    if (!whole) return HelloState::kIncomplete;
  }
}

}  // namespace nuncio::tls
