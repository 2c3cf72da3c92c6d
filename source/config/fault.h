#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace nuncio::config {

// One thing wrong with a configuration.
struct Fault {
  // Where, e.g. `static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix` or
  // `metadata.filter_metadata["envoy.lb"]`; field names as in the .proto. Empty: the whole message or text.
  std::string field_path;
  // What is wrong and what would be right; one line.
  std::string reason;
  // Place in the text it was read from, from 1; 0 where it came from no text.
  int line = 0;
  int column = 0;

  // "12:3: path: reason", without what is unknown.
  std::string ToString() const;
  // Of Faults::AddUnknownField.
  bool IsUnknownField() const { return std::string_view(reason).starts_with("unknown field"); }
};

// What becomes of fields that this program does not honour.
struct UnknownFieldsPolicy {
  enum class Action : uint8_t {
    kReject,  // a fault
    kWarn,    // a warning; the field has no effect
    kIgnore,  // neither
  };
  Action action = Action::kReject;
  // True in the control plane: fields marked `(nuncio.annotations.v1.control_plane_only)` are known there. To a proxy
  // they are unknown fields.
  bool control_plane = false;
};

// Collects everything that is wrong with one resource or file while it is read, checked and compiled, so that all of it
// is told at once. A path is kept beside: whoever goes down into a field opens a Scope first, and faults are recorded
// at the path of the open scopes. Used by one thread at a time.
class Faults {
 public:
  // Of faults, and of warnings, no more than this many are kept; beyond that they are only counted.
  static constexpr size_t kMaxKept = 64;
  // Longer reasons and paths are cut.
  static constexpr size_t kMaxTextLength = 1024;
  // Configurations nested deeper are refused by the readers and checkers of this folder.
  static constexpr size_t kMaxDepth = 200;

  // Opens a field of the message at the current path, or an element of it, for the scope's life. Scopes close in the
  // reverse order of their opening.
  class Scope {
   public:
    Scope(Faults& faults, std::string_view field);
    Scope(Faults& faults, std::string_view field, size_t index);
    Scope(Faults& faults, std::string_view field, std::string_view map_key);
    ~Scope() {
      faults_.path_.resize(length_before_);
      --faults_.depth_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Faults& faults_;
    const size_t length_before_;
  };

  Faults() = default;
  explicit Faults(UnknownFieldsPolicy policy) : policy_(policy) {}
  Faults(const Faults&) = default;
  Faults(Faults&&) = default;
  Faults& operator=(const Faults&) = default;
  Faults& operator=(Faults&&) = default;

  // Records a fault at the current path.
  void Add(std::string_view reason) { AddAt(0, 0, reason); }
  // Records a fault at a field of the message at the current path; `field` may be a path itself.
  void Add(std::string_view field, std::string_view reason);
  // Records a fault at the current path, which stands at `line` and `column` of the text being read.
  void AddAt(int line, int column, std::string_view reason);
  void Warn(std::string_view reason);
  // Records an unknown field at the current path as the policy says. `reason` says what it is unknown to.
  void AddUnknownField(std::string_view reason, int line = 0, int column = 0);
  // Takes over the faults and warnings of another collection, their paths put below the current path.
  void Append(const Faults& other);

  // True: no fault. Warnings do not count.
  bool empty() const { return count_ == 0; }
  // All faults recorded, kept or not.
  size_t count() const { return count_; }
  const std::vector<Fault>& list() const { return kept_; }
  size_t warning_count() const { return warning_count_; }
  const std::vector<Fault>& warnings() const { return warnings_; }

  const UnknownFieldsPolicy& policy() const { return policy_; }
  const std::string& path() const { return path_; }
  size_t depth() const { return depth_; }

  // OK without faults, else InvalidArgument with ToString() as message.
  absl::Status ToStatus(std::string_view where = {}) const;
  // One line per fault, "where: path: reason" ("where:12:3: path: reason" with a place in the text), and one that
  // counts those that were not kept. No newline at the end.
  std::string ToString(std::string_view where = {}) const;

 private:
  UnknownFieldsPolicy policy_;
  std::string path_;
  size_t depth_ = 0;
  size_t count_ = 0;
  std::vector<Fault> kept_;
  size_t warning_count_ = 0;
  std::vector<Fault> warnings_;
};

// `text` fit for a message: in double quotes, control bytes and quotes escaped, cut after `limit` bytes.
std::string Quote(std::string_view text, size_t limit = 80);

}  // namespace nuncio::config
