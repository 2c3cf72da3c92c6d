#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "source/admin/admin_services.h"

namespace nuncio::admin {

// A repeated field of a section. Resources are made one by one, so that a long list needs neither its memory nor its
// time at once.
struct ConfigList {
  // The field's name: "dynamic_active_clusters".
  std::string field;
  // Null at the end.
  std::function<std::unique_ptr<google::protobuf::Message>()> next;
};

// One kind of configuration: a message of envoy.admin.v3 with its singular fields set, and its repeated ones.
struct ConfigSection {
  std::unique_ptr<google::protobuf::Message> head;
  std::vector<ConfigList> lists;
};

// What the process works with now: bootstrap, clusters, endpoints where asked for, listeners, routes, secrets.
// `services` outlives it.
std::vector<ConfigSection> ConfigSections(const AdminServices& services, bool endpoints);

}  // namespace nuncio::admin
