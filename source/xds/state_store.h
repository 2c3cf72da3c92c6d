#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/event/event_loop.h"
#include "source/xds/config_thread.h"
#include "source/xds/response_compiler.h"

namespace nuncio::xds {

// The last good dynamic configuration in a directory, so that a proxy that starts while its control plane is away comes
// up with what it had.
//
// The directory holds one file, `resources`: the line "nuncio state 1", then for every resource its source, type URL,
// name, version and bytes, each preceded by its length as 32 bits, little-endian, and at the end the FNV-1a checksum
// (64 bits, little-endian) of all before it. A save writes `resources.new`, syncs it and renames it over the old one;
// so the file is whole, of before or after. A file that is not whole, by its checksum, is ignored with a warning and
// replaced by the next save. Files are written on the configuration thread, kSaveDelay after a change; a directory that
// cannot be written is warned of and costs nothing else.
//
// Main thread.
class StateStore {
 public:
  // A burst of answers is one save.
  static constexpr std::chrono::milliseconds kSaveDelay{200};
  // What nobody asked for this long after the start is not in use any more, and left out of the next save.
  static constexpr std::chrono::minutes kClaimTime{10};
  // A larger file is taken for corrupt.
  static constexpr size_t kMaxFileSize = size_t{1} << 30;

  // Reads the directory, which is made if it is not there. `loop` and `thread` outlive the store.
  StateStore(std::string directory, event::EventLoop& loop, ConfigThread& thread);
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;
  // Saves what is not saved yet.
  ~StateStore();

  // What is kept for a type of a source, in order of names.
  std::vector<SavedResource> Find(std::string_view source, std::string_view type_url) const;
  // Keeps these resources and no others of the type.
  void Replace(std::string_view source, std::string_view type_url, const std::vector<SavedResource>& resources);
  // Keeps these too.
  void Merge(std::string_view source, std::string_view type_url, const std::vector<SavedResource>& resources);
  void Erase(std::string_view source, std::string_view type_url, const std::set<std::string, std::less<>>& names);

 private:
  struct Entry {
    std::string version;
    std::shared_ptr<const std::string> bytes;
    // In use by this run; else read from the file.
    bool claimed;
  };
  // By source and type URL, then by name.
  using Entries = std::map<std::pair<std::string, std::string>, std::map<std::string, Entry>>;

  static absl::StatusOr<Entries> Parse(std::string_view text);
  static std::string Serialize(const Entries& entries);
  static absl::Status Write(const std::string& directory, const std::string& text);
  void Put(std::map<std::string, Entry>& entries, const SavedResource& resource);
  void Changed();
  void Save();

  const std::string directory_;
  event::EventLoop& loop_;
  ConfigThread& thread_;
  const MonotonicTime started_;
  Entries entries_;
  bool changed_ = false;
  event::Timer save_;
};

}  // namespace nuncio::xds
