#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/net/transport_socket.h"
#include "source/telemetry/ssl_stats.h"
#include "source/tls/ticket_keys.h"
#include "source/tls/tls_context.h"

namespace nuncio::tls {

// TLS as a listener's filter chain speaks it. Immutable; any thread.
class ServerContext final : public TlsContext, public std::enable_shared_from_this<ServerContext> {
 public:
  // InvalidArgument with a message as context_config.h says. Certificates that have expired by `now` are faults. Reads
  // no file and opens nothing.
  static absl::StatusOr<std::shared_ptr<const ServerContext>> Create(const ServerContextConfig& config,
                                                                     SystemTime now = Clock::Real().System());
  ~ServerContext() override;

  struct SocketOptions {
    // Of the listener, on the connection's thread; outlives the connection. Null: nothing is counted.
    telemetry::SslStats* stats = nullptr;
    // The peer, where a key log is configured for some peers only.
    net::Address remote;
    // Fingerprints that a listener filter has found, for SecurityInfo.
    std::string ja3;
    std::string ja4;
  };
  // For one accepted connection.
  std::unique_ptr<net::TransportSocket> NewSocket(SocketOptions options) const;

  ssl_select_cert_result_t OnClientHello(const SSL_CLIENT_HELLO& hello, TlsTransportSocket& socket) const override;
  bool ServerRole() const override { return true; }
  TicketKeys& ticket_keys() const { return *ticket_keys_; }
  // The protocol of ours that comes first among those `offered` in wire form; empty: none.
  std::string_view SelectAlpn(std::string_view offered) const;

 private:
  // What a client can verify, by its ClientHello.
  struct Abilities {
    // RFC 8422's numbers of the curves it takes ECDSA signatures on.
    std::vector<uint16_t> ecdsa_curves;
    bool ocsp = false;
  };

  ServerContext();
  absl::Status Build(const ServerContextConfig& config, SystemTime now);
  absl::Status SetSessions(const ServerContextConfig& config);
  absl::Status SetSessionIdContext(const ServerContextConfig& config);
  absl::Status CheckOcsp() const;
  void IndexNames();
  static Abilities AbilitiesOf(const SSL_CLIENT_HELLO& hello);
  const Certificate& Select(std::string_view sni, const Abilities& client) const;
  bool Staple(const Certificate& certificate, const Abilities& client, TlsTransportSocket& socket) const;

  // By name, "*.rest" as ".rest": those of RSA and ECDSA keys in order of configuration.
  std::map<std::string, std::vector<const Certificate*>, std::less<>> by_name_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  ServerContextConfig::OcspPolicy ocsp_policy_{};
  bool full_scan_ = false;
};

}  // namespace nuncio::tls
