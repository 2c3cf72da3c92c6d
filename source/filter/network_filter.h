#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "source/access_log/access_log_config.h"
#include "source/access_log/stream_info.h"
#include "source/base/clock.h"
#include "source/filter/accepted_connection.h"

namespace nuncio::net {
class TransportSocket;
}

// The filters of a filter chain: some that see a new connection, and the last one, which serves it.
namespace nuncio::filter {

// A network filter as configured. Immutable; any thread.
struct NetworkFilterConfig {
  virtual ~NetworkFilterConfig() = default;
  // Full name of the message it was made from: by it the worker's filter is made.
  std::string_view type;
};

// The last filter of a chain, likewise.
struct TerminalFilterConfig : NetworkFilterConfig {
  // To be opened before workers make the filter.
  std::vector<std::shared_ptr<const access_log::AccessLogConfig>> access_logs;
};

enum class NetworkFilterVerdict : uint8_t { kContinue, kClose };

// Sees the connections of a chain before they are served, and may decide about them. One per chain and worker; belongs
// to the worker's thread.
class NetworkFilter {
 public:
  virtual ~NetworkFilter() = default;
  virtual NetworkFilterVerdict OnNewConnection(AcceptedConnection& connection) = 0;
};

// Hears of the end of connections. Thread: the worker's.
class ConnectionOwner {
 public:
  // `connection` tells what logs of connections may want.
  virtual void OnConnectionClosed(const access_log::StreamInfo& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// Serves connections. One per chain and worker; after the chain was replaced it stays until its last connection is
// gone. Belongs to the worker's thread.
class TerminalFilter {
 public:
  // Closes what is left.
  virtual ~TerminalFilter() = default;

  // Takes over the descriptor. `transport` null: plaintext. `owner` hears of the connection's end, maybe from within
  // this call.
  virtual void Serve(AcceptedConnection connection, std::unique_ptr<net::TransportSocket> transport,
                     ConnectionOwner& owner) = 0;
  // Connections are to end as soon as that hurts nobody: at once, or each at a moment of its own within `spread`. Those
  // served from now on too.
  virtual void StartDraining(Duration spread) = 0;
  // While the process is to fail its health checks clients are told to go elsewhere, where the protocol has words for
  // it.
  virtual void SetHealthFailing(bool failing) = 0;
  // Closes what is left at once.
  virtual void CloseAll() = 0;
  virtual uint64_t connections() const = 0;
};

}  // namespace nuncio::filter
