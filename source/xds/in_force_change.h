#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nuncio::xds {

// How an answer changed what is in force of a type.
struct InForceChange {
  struct Resource {
    std::string name;
    // Unset: it is in the answer, and has its version.
    std::optional<std::string> own_version;
    // The wire form, without the Any around it.
    std::shared_ptr<const std::string> bytes;
  };

  // Of all that is in force and has no version of its own.
  std::string version;
  std::vector<Resource> in_force;
  std::vector<std::string> gone;
  // There is nothing but `in_force`; else what is neither there nor in `gone` is as it was.
  bool complete = false;
};

}  // namespace nuncio::xds
