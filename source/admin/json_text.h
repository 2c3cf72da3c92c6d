#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "source/config/message_dump.h"

// Indented JSON put together from messages dumped one by one, for answers too long to be made as one message.
namespace nuncio::admin {

// What MessageToJson indents by, as Envoy does.
inline constexpr size_t kJsonIndent = 1;

// The message as an object whose members stand `indent` spaces further in than its braces would at the line's begin.
// Without the indentation of the first line.
void AppendObject(std::string& out, const google::protobuf::Message& message, size_t indent,
                  config::DumpOptions options = {});

// The members of the message alone, comma-separated, each line indented by `indent`, without the last newline. Nothing
// where there are none.
void AppendMembers(std::string& out, const google::protobuf::Message& message, size_t indent);

}  // namespace nuncio::admin
