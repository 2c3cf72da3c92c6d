#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "source/config/fault.h"

// Configuration texts, YAML or JSON, into protobuf messages.
//
// Accepted is what operators write: field names in snake_case or camelCase; enum names in any case, and their numbers;
// one value where a list is due; durations as text ("1.5s", "250ms", "1h30m") or as an object of seconds and nanos;
// numbers and bools in quotes, integral fractions ("1.0"); wrappers, Struct, Value; Any by "@type"; bytes in base64;
// YAML anchors, aliases and merge keys. Null leaves a field unset. What is tagged `!ignore`, key or value, is skipped
// with all below it.
//
// Refused, with place, path and reason: unknown fields (by `faults.policy()`), a key given twice, two members of a
// oneof, values that do not fit their field, types that this program does not have, several documents, nesting beyond
// 100 levels, aliases that blow up. Rules of `validate.rules` are not looked at here: see rule_checker.h.
namespace nuncio::config {

enum class TextFormat : uint8_t {
  kAuto,  // JSON where it is JSON, else YAML
  kYaml,
  kJson,
};

// Reads `text` into `message`, which is cleared first. True without faults; on faults it reads on, so that all are
// told, and `message` holds what could be read.
bool LoadText(std::string_view text, TextFormat format, google::protobuf::Message& message, Faults& faults);

// Reads `text` and merges it into `message` as protobuf merges (set scalars replace, messages merge, lists are
// appended): what `--config-yaml` does to the file's configuration. Nothing is merged on faults.
bool MergeText(std::string_view text, TextFormat format, google::protobuf::Message& message, Faults& faults);

// Reads the file at `path`: JSON by the extension `.json`, protobuf's wire form by `.pb`, kAuto otherwise. A file that
// cannot be read, is no regular file or is larger than TextDocument::kMaxTextSize is a fault without field path.
bool LoadFile(const std::string& path, google::protobuf::Message& message, Faults& faults);

// The bytes of a file, under the same conditions.
bool ReadTextFile(const std::string& path, std::string& text, Faults& faults);

}  // namespace nuncio::config
