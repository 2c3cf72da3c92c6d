#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nuncio::xds {

struct KeptResource {
  // Unset: that of its type.
  std::optional<std::string> own_version;
  std::shared_ptr<const std::string> bytes;
  // This run asked for it; else it was only read from the file.
  bool claimed = false;
};

struct KeptType {
  const std::string& VersionOf(const KeptResource& resource) const {
    return resource.own_version ? *resource.own_version : *version;
  }

  // Of the last answer; unset: there was none in this run, and all resources have versions of their own.
  std::optional<std::string> version;
  std::map<std::string, KeptResource, std::less<>> resources;
};

// By source and type URL.
using KeptTypes = std::map<std::pair<std::string, std::string>, KeptType>;

// The one file of a state directory, `resources`: the line "nuncio state 1", then for every resource its source, type
// URL, name, version and bytes, each preceded by its length as 32 bits, little-endian, and at the end the FNV-1a
// checksum (64 bits, little-endian) of all before it.
//
// Writing makes `resources.new`, syncs it and renames it over the old one; so the file is whole, of before or after.
class StateFile {
 public:
  // A larger file is taken for corrupt.
  static constexpr size_t kMaxSize = size_t{1} << 30;

  explicit StateFile(std::string directory) : directory_(std::move(directory)) {}

  // Makes the directory if it is not there. Nothing where there is no file.
  absl::StatusOr<KeptTypes> Read() const;
  absl::Status Write(const KeptTypes& types) const;

 private:
  static absl::StatusOr<KeptTypes> Parse(std::string_view text);
  static std::string Serialize(const KeptTypes& types);
  std::string Path() const;

  const std::string directory_;
};

}  // namespace nuncio::xds
