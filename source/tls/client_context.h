#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/net/transport_socket.h"
#include "source/telemetry/ssl_stats.h"
#include "source/tls/client_sessions.h"
#include "source/tls/tls_context.h"

namespace nuncio::tls {

// TLS as a cluster speaks it to its hosts. Immutable; any thread.
class ClientContext final : public TlsContext, public std::enable_shared_from_this<ClientContext> {
 public:
  // InvalidArgument with a message as context_config.h says. Certificates that have expired by `now` are faults. Reads
  // no file and opens nothing.
  static absl::StatusOr<std::shared_ptr<const ClientContext>> Create(const ClientContextConfig& config,
                                                                     SystemTime now = Clock::Real().System());
  ~ClientContext() override;

  struct SocketOptions {
    // Of the cluster, on the connection's thread; outlives the connection. Null: nothing is counted.
    telemetry::SslStats* stats = nullptr;
    // Instead of the context's SNI, where not empty.
    std::string sni;
    // The server's certificate must be for one of these DNS names, addresses or URIs, and the context's SAN matchers do
    // not count. Empty: the context's rules.
    std::vector<std::string> subject_alt_names;
    // Instead of the context's list, where set; empty offers none.
    std::optional<std::vector<std::string>> alpn;
    // Of the cluster on this thread; null: no session is resumed. A socket keeps it.
    std::shared_ptr<ClientSessions> sessions;
    // Whose sessions may be resumed: the host's address.
    std::string host;
    // The peer, where a key log is configured for some peers only.
    net::Address remote;
  };
  // For one connection to be made.
  std::unique_ptr<net::TransportSocket> NewSocket(SocketOptions options) const;

  bool ServerRole() const override { return false; }
  uint32_t max_sessions() const { return max_sessions_; }
  // Different for every context of the process.
  uint64_t id() const { return id_; }
  const std::string& sni() const { return sni_; }
  bool auto_sni_san_validation() const { return auto_sni_san_validation_; }

 private:
  ClientContext();
  absl::Status Build(const ClientContextConfig& config, SystemTime now);

  uint64_t id_;
  std::string sni_;
  bool auto_sni_san_validation_ = false;
  bool allow_renegotiation_ = false;
  bool enforce_rsa_key_usage_ = false;
  uint32_t max_sessions_ = 0;
};

}  // namespace nuncio::tls
