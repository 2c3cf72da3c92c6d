#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "source/config/fault.h"
#include "source/config/text_document.h"

namespace nuncio::config {

// Fills a message from a document, reflectively, with the leniencies that yaml_loader.h lists. One use per instance.
class MessageBuilder {
 public:
  // Both must outlive the builder.
  MessageBuilder(const TextDocument& document, Faults& faults);

  // Sets in `message` what the document's root holds; faults go to `faults`. The document must have a root.
  void Build(google::protobuf::Message& message);

 private:
  using Field = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;
  struct Entry {
    const TextNode* key;
    const TextNode* value;
  };

  // Counts a step down the document. False, with a fault, beyond the limits.
  bool Enter(const TextNode& node, size_t depth);
  // Takes the cost of reading a node from the budget. False, with a fault, when it is used up.
  bool Charge(const TextNode& node);
  void AddFault(const TextNode& node, std::string_view reason);
  // "must be X (is Y)", and of Y only what it is where it is sensitive.
  void AddWrongValue(const TextNode& node, std::string_view expected);

  // The entries of a mapping without the ignored ones, merge keys resolved.
  std::vector<Entry> Entries(const TextNode& mapping, size_t depth);
  void MergeInto(std::vector<Entry>& entries, std::unordered_set<std::string_view>& present, const TextNode& merged,
                 size_t depth);

  void ReadMessage(const TextNode& node, Message& message, size_t depth);
  bool ReadWellKnown(const TextNode& node, Message& message, size_t depth);
  void ReadFields(const std::vector<Entry>& entries, Message& message, size_t depth, bool skip_type);
  const Field* FindField(const TextNode& key, const google::protobuf::Descriptor& descriptor);
  void AddUnknownField(const TextNode& key, const google::protobuf::Descriptor& descriptor);
  void ReadField(const TextNode& value, const Field& field, Message& message, size_t depth);
  void ReadRepeated(const TextNode& value, const Field& field, Message& message, size_t depth);
  void ReadMap(const TextNode& value, const Field& field, Message& message, size_t depth);
  // Sets a singular field, or appends to a repeated one.
  bool ReadScalar(const TextNode& node, const Field& field, Message& message);
  bool ReadEnum(const TextNode& node, const Field& field, Message& message);

  void ReadAny(const TextNode& node, Message& message, size_t depth);
  void ReadDuration(const TextNode& node, Message& message, size_t depth);
  void ReadWrapper(const TextNode& node, Message& message, size_t depth);
  void ReadTextual(const TextNode& node, Message& message);
  void ReadStruct(const TextNode& node, google::protobuf::Struct& out, size_t depth);
  void ReadList(const TextNode& node, google::protobuf::ListValue& out, size_t depth);
  void ReadValue(const TextNode& node, google::protobuf::Value& out, size_t depth);

  const TextDocument& document_;
  Faults& faults_;
  // What may still be read, in nodes and pieces of text: all of the document, and a fixed amount of repetition by
  // aliases and merge keys.
  size_t budget_;
  bool exhausted_ = false;
  // In a field marked sensitive, or below one: values are not told.
  bool sensitive_ = false;
};

}  // namespace nuncio::config
