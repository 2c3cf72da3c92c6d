#include "source/proxy/upgrade.h"

#include <openssl/base64.h>
#include <openssl/sha.h>

#include <cstring>
#include <vector>

#include "source/base/strings.h"

namespace nuncio::proxy {
namespace {

constexpr std::string_view kConnect = "CONNECT";
constexpr std::string_view kWebSocket = "websocket";
constexpr std::string_view kKey = "sec-websocket-key";
constexpr std::string_view kAccept = "sec-websocket-accept";
constexpr std::string_view kVersion = "sec-websocket-version";
// RFC 6455 1.3.
constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const route::UpgradeRule* Find(const std::vector<route::UpgradeRule>& rules, std::string_view type) {
  for (const route::UpgradeRule& rule : rules) {
    if (EqualsIgnoreCase(rule.type, type)) return &rule;
  }
  return nullptr;
}

std::string_view ToBase64(std::string_view bytes, Arena& arena) {
  // BoringSSL puts a NUL behind.
  char* text = arena.NewArray<char>((bytes.size() + 2) / 3 * 4 + 1);
  const size_t size = EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text), reinterpret_cast<const uint8_t*>(bytes.data()),
                                      bytes.size());
  return {text, size};
}

}  // namespace

TunnelVerdict DecideTunnel(const ConnectionManagerConfig& config, const route::Decision& decision,
                           const http::RequestHead& head) {
  const std::string_view type = head.method == http::Method::kConnect ? kConnect : head.upgrade;
  const route::UpgradeRule* rule = decision.forward == nullptr ? nullptr : Find(decision.forward->upgrades, type);
  if (rule == nullptr) rule = Find(config.upgrades, type);
  if (rule == nullptr || !rule->enabled) return TunnelVerdict::kRefuse;
  return rule->terminate_connect ? TunnelVerdict::kTerminate : TunnelVerdict::kForward;
}

bool AcceptsTunnel(const http::RequestHead& head, uint32_t status) {
  if (!head.upgrade.empty()) return status == 101;
  return head.method == http::Method::kConnect && status >= 200 && status < 300;
}

void CompleteWebSocketRequest(http::RequestHead& head, Random& random) {
  if (!EqualsIgnoreCase(head.upgrade, kWebSocket) || head.headers.Find(kKey) != nullptr) return;
  const uint64_t nonce[2] = {random.Next(), random.Next()};
  char bytes[sizeof(nonce)];
  memcpy(bytes, nonce, sizeof(nonce));
  head.headers.SetReference(kKey, ToBase64({bytes, sizeof(bytes)}, head.headers.arena()));
  if (head.headers.Find(kVersion) == nullptr) head.headers.SetReference(kVersion, "13");
}

void CompleteWebSocketAnswer(const http::RequestHead& request, http::HeaderMap& answer) {
  if (!EqualsIgnoreCase(request.upgrade, kWebSocket)) return;
  if (request.protocol == http::Protocol::kHttp2) {
    answer.Remove(kAccept);
    return;
  }
  const http::HeaderField* key = request.headers.Find(kKey);
  if (key == nullptr || answer.Find(kAccept) != nullptr) return;
  SHA_CTX sha;
  SHA1_Init(&sha);
  SHA1_Update(&sha, key->value.data(), key->value.size());
  SHA1_Update(&sha, kKeySuffix.data(), kKeySuffix.size());
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA1_Final(digest, &sha);
  answer.SetReference(kAccept, ToBase64({reinterpret_cast<const char*>(digest), sizeof(digest)}, answer.arena()));
}

}  // namespace nuncio::proxy
