#pragma once

#include <memory>
#include <vector>

namespace nuncio::tls {

// Where the connections of one thread find the context in force. Belongs to that thread; main replaces the context by a
// closure, connections keep the one they began with. Null: secrets are not there, and no connection can be made.
template <typename Context>
struct ContextCell {
  std::shared_ptr<const Context> context;
};

class ServerContext;
class ClientContext;
using ServerContextCell = ContextCell<ServerContext>;
using ClientContextCell = ContextCell<ClientContext>;

// By StatsSlot: main, then the workers.
using ServerContextCells = std::vector<std::shared_ptr<ServerContextCell>>;
using ClientContextCells = std::vector<std::shared_ptr<ClientContextCell>>;

}  // namespace nuncio::tls
