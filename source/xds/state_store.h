#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/event/event_loop.h"
#include "source/xds/config_thread.h"
#include "source/xds/in_force_change.h"
#include "source/xds/response_compiler.h"

namespace nuncio::xds {

// The last good dynamic configuration in a directory (StateFile), so that a proxy that starts while its control plane
// is away comes up with what it had.
//
// What is kept belongs to the configuration thread, which reads and writes the file and takes changes in the order in
// which they are told: telling one is work that follows the change, however much is kept. The file is written
// kSaveDelay after a change. One that is not whole, by its checksum, is ignored with a warning and replaced by the next
// save; a directory that cannot be written is warned of and costs nothing else.
//
// To be called on the main thread.
class StateStore {
 public:
  // A burst of answers is one save.
  static constexpr std::chrono::milliseconds kSaveDelay{200};
  // What nobody asked for this long after the start is not in use any more, and left out of the next save.
  static constexpr std::chrono::minutes kClaimTime{10};

  // The directory is made if it is not there. `loop` and `thread` outlive the store.
  StateStore(std::string directory, event::EventLoop& loop, ConfigThread& thread);
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;
  // Saves what is not saved yet.
  ~StateStore();

  // A job of the configuration thread with what was found, in order of names.
  using Use = std::function<ConfigThread::Then(const std::vector<SavedResource>& found)>;
  // Finds what is kept for a type of a source; with `names`, of these only.
  void Find(std::string source, std::string_view type_url, std::optional<std::set<std::string>> names, Use use);
  // An answer was taken.
  void Take(std::string source, std::string_view type_url, InForceChange change);
  void Erase(std::string source, std::string_view type_url, std::set<std::string, std::less<>> names);

 private:
  class State;

  // Changes the state on the configuration thread, and saves it later.
  void Change(std::function<void(State&)> change);
  void Save();

  event::EventLoop& loop_;
  ConfigThread& thread_;
  const MonotonicTime started_;
  // For jobs only.
  const std::shared_ptr<State> state_;
  event::Timer save_;
};

}  // namespace nuncio::xds
