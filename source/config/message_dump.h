#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

// Messages as text that LoadText reads back, for /config_dump and for people. Field names are those of the .proto, map
// entries stand in the order of their keys. An Any of a type that this program does not have is shown as its type URL
// and its bytes in base64 under "value".
namespace nuncio::config {

struct DumpOptions {
  // Indented, a line per value. YAML always is.
  bool pretty = true;
  // Also shows scalars without presence that have their zero value, and empty lists and maps.
  bool print_defaults = false;
};

// JSON as protobuf maps it: 64-bit numbers in quotes, durations as "1.500s".
std::string MessageToJson(const google::protobuf::Message& message, DumpOptions options = {});

// YAML in block style, with a newline at the end.
std::string MessageToYaml(const google::protobuf::Message& message, DumpOptions options = {});

// `text` as a JSON string, quotes included. What is not UTF-8 is replaced by U+FFFD.
std::string JsonString(std::string_view text);

}  // namespace nuncio::config
