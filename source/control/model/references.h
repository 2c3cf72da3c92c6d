#pragma once

#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace nuncio::control {

// What a resource says of others.
struct Reference {
  // Type URL and name of the resource referred to.
  std::string type_url;
  std::string name;
  // Where it says so: `virtual_hosts[0].routes[2].route.cluster`.
  std::string field_path;
  // The proxy asks for the resource by name over the aggregated stream and waits for it: the endpoints of an EDS
  // cluster, the routes of a listener, the secrets of either. Else it looks for it among what it has.
  bool subscribed = false;
};

// An address that a listener binds.
struct BoundAddress {
  // "tcp 127.0.0.1:80", "tcp [::1]:80", "pipe /run/x"; IP addresses in their one canonical text.
  std::string address;
  std::string field_path;
};

struct ResourceFacts {
  std::vector<Reference> references;
  std::vector<BoundAddress> addresses;
  // Something stands in it that people are not to see (udpa.annotations.sensitive).
  bool sensitive = false;
  // Paths of what was taken out of it when it was shown, so that it is not the resource any more.
  std::vector<std::string> redacted;
};

// Reads out of a resource what concerns other resources. Looks into typed extensions too, where their types are known.
ResourceFacts CollectFacts(const google::protobuf::Message& resource);

}  // namespace nuncio::control
