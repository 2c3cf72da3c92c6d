#include "source/control/snapshot/selection.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

#include "google/protobuf/any.pb.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

using ::google::protobuf::io::CodedOutputStream;

// Field keys on the wire, all length-delimited: DiscoveryResponse.resources, Any.type_url, Any.value.
constexpr uint32_t kResourcesTag = (2 << 3) | 2;
constexpr uint32_t kTypeUrlTag = (1 << 3) | 2;
constexpr uint32_t kValueTag = (2 << 3) | 2;

ContentHash HashOf(const std::vector<ResourcePtr>& resources) {
  ContentHasher hasher;
  for (const ResourcePtr& resource : resources) {
    hasher.Add(resource->name());
    hasher.Add(resource->hash());
  }
  return hasher.Finish();
}

// By type URL.
std::map<std::string, std::vector<std::string>, std::less<>> NamesByType(const std::vector<ResourcePtr>& resources) {
  std::map<std::string, std::vector<std::string>, std::less<>> types;
  for (const ResourcePtr& resource : resources) {
    for (const Reference& reference : resource->facts().references) {
      if (reference.subscribed) types[reference.type_url].push_back(reference.name);
    }
  }
  for (auto& [type_url, names] : types) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }
  return types;
}

// Size of a length-delimited field with a one-byte key.
size_t FieldSize(size_t content) { return 1 + CodedOutputStream::VarintSize64(content) + content; }

void AppendFieldHeader(std::string& out, uint32_t tag, size_t content) {
  uint8_t header[11];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(tag, header);
  end = CodedOutputStream::WriteVarint64ToArray(content, end);
  out.append(reinterpret_cast<const char*>(header), static_cast<size_t>(end - header));
}

size_t AnySize(const Resource& resource) {
  return FieldSize(resource.type_url().size()) + (resource.body().empty() ? 0 : FieldSize(resource.body().size()));
}

bool NameBefore(const ResourcePtr& resource, std::string_view name) { return resource->name() < name; }

}  // namespace

Selection::Selection(std::string type_url, std::vector<ResourcePtr> resources, uint64_t changed_revision)
    : type_url_(std::move(type_url)),
      resources_(std::move(resources)),
      hash_(HashOf(resources_)),
      version_(StrCat(changed_revision, ".", hash_.ShortText())),
      subscribed_names_(NamesByType(resources_)) {}

const Resource* Selection::Find(std::string_view name) const {
  const auto it = std::lower_bound(resources_.begin(), resources_.end(), name, NameBefore);
  return it == resources_.end() || (*it)->name() != name ? nullptr : it->get();
}

const std::vector<std::string>& Selection::SubscribedNames(std::string_view other_type) const {
  static const std::vector<std::string> kNone;
  const auto it = subscribed_names_.find(other_type);
  return it == subscribed_names_.end() ? kNone : it->second;
}

std::shared_ptr<const std::string> Selection::Encoded() const {
  std::call_once(encode_once_, [this] {
    size_t total = 0;
    for (const ResourcePtr& resource : resources_) total += FieldSize(AnySize(*resource));
    auto bytes = std::make_shared<std::string>();
    bytes->reserve(total);
    for (const ResourcePtr& resource : resources_) {
      AppendFieldHeader(*bytes, kResourcesTag, AnySize(*resource));
      AppendFieldHeader(*bytes, kTypeUrlTag, resource->type_url().size());
      bytes->append(resource->type_url());
      if (resource->body().empty()) continue;
      AppendFieldHeader(*bytes, kValueTag, resource->body().size());
      bytes->append(resource->body());
    }
    encoded_ = std::move(bytes);
  });
  return encoded_;
}

std::string_view HashPartOfVersion(std::string_view version) {
  const size_t dot = version.find('.');
  return dot == std::string_view::npos ? std::string_view() : version.substr(dot + 1);
}

SelectionPtr Restrict(const SelectionPtr& selection, const std::vector<std::string>& names) {
  std::vector<ResourcePtr> kept;
  for (const ResourcePtr& resource : selection->resources()) {
    if (std::binary_search(names.begin(), names.end(), resource->name())) kept.push_back(resource);
  }
  if (kept.size() == selection->resources().size()) return selection;
  return std::make_shared<const Selection>(selection->type_url(), std::move(kept), 0);
}

}  // namespace nuncio::control
