#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "source/filter/accepted_connection.h"
#include "source/listener/connection_balance.h"

namespace nuncio::listener {

// The other workers, as one of them sees them. Any thread.
class WorkerPeers {
 public:
  // Has the listener of that name serve the connection on another worker, for which `balance` counts it. Takes over the
  // descriptor, and the unit of the limit that was taken for it.
  virtual void HandOver(size_t worker, const std::string& listener, filter::AcceptedConnection connection,
                        std::shared_ptr<ConnectionBalance> balance) = 0;

 protected:
  ~WorkerPeers() = default;
};

}  // namespace nuncio::listener
