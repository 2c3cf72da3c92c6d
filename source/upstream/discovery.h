#pragma once

#include <memory>

#include "source/upstream/host_set_builder.h"

namespace nuncio::upstream {

// Who hears of a cluster's members: the cluster itself. Main.
class DiscoveryReceiver {
 public:
  // The members were found out, for the first time or anew; `result.changed` says whether they differ.
  virtual void OnMembers(const HostSetBuilder::Result& result) = 0;
  // Once: there is nothing to wait for any longer. The first members, if any, came before.
  virtual void OnFirstAnswer() = 0;

 protected:
  ~DiscoveryReceiver() = default;
};

// One way to find a cluster's members, from Start to destruction. Main.
class Discovery {
 public:
  virtual ~Discovery() = default;
  // Once. The receiver may be called from within, and the discovery be destroyed in none of these calls.
  virtual void Start() = 0;
};

}  // namespace nuncio::upstream
