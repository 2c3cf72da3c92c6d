#pragma once

#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"

namespace nuncio::ctl {

// A resource read from a file.
struct LoadedResource {
  std::string file;
  // "cluster blue", or its place in the file where it has no name.
  std::string label;
  google::protobuf::Any resource;
};

struct LoadResult {
  std::vector<LoadedResource> resources;
  // Lines "file: resource: field: reason". Where there are any, `resources` are not all there is.
  std::vector<std::string> faults;
};

// Reads files and, of folders, all .yaml, .yml and .json files in and below them, in the order of their names. A file
// holds one resource with its "@type", or a mapping with a list `resources` of such, as Envoy's files and a
// DiscoveryResponse do.
LoadResult LoadResources(const std::vector<std::string>& paths);

// "cluster blue" from a type URL and a name.
std::string ResourceLabel(const std::string& type_url, const std::string& name);

}  // namespace nuncio::ctl
