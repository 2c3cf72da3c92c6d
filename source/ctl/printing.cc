#include "source/ctl/printing.h"

#include <algorithm>
#include <array>

#include "source/base/strings.h"
#include "source/config/message_dump.h"
#include "source/config/redactor.h"
#include "source/control/model/resource_types.h"
#include "source/ctl/table.h"
#include "source/ctl/text_diff.h"

namespace nuncio::ctl {
namespace {

using control::v1::Fault;
using control::v1::Proxy;
using control::v1::ProxyType;
using control::v1::ResourceChange;
using control::v1::Revision;

std::string OriginText(const Revision& revision) {
  switch (revision.origin()) {
    case Revision::ORIGIN_PUSH_PARTIAL:
      return "partial push";
    case Revision::ORIGIN_ROLLBACK:
      return StrCat("rollback to ", revision.rolled_back_to());
    default:
      return "push";
  }
}

// The revision that a version names.
std::string RevisionPart(const std::string& version) {
  return version.empty() ? "-" : version.substr(0, version.find('.'));
}

std::string TypesText(const Proxy& proxy) {
  std::string text;
  for (const ProxyType& type : proxy.types()) {
    StrAppend(text, text.empty() ? "" : ", ", control::ShortTypeName(type.type_url()), " ",
              RevisionPart(type.acknowledged_version()));
    if (type.state() == ProxyType::STATE_REFUSED)
      StrAppend(text, " (refuses ", RevisionPart(type.refused_version()), ")");
    if (type.state() == ProxyType::STATE_PENDING) StrAppend(text, " (on its way)");
  }
  return text;
}

// Empty for null.
std::string ShownText(const google::protobuf::Any* resource) {
  if (resource == nullptr) return "";
  google::protobuf::Any shown = *resource;
  config::Redact(shown);
  return config::MessageToYaml(shown);
}

}  // namespace

std::string Structured(const google::protobuf::Message& message, Format format) {
  return format == Format::kYaml ? config::MessageToYaml(message) : config::MessageToJson(message) + "\n";
}

std::string FaultLine(const Fault& fault, const std::vector<LoadedResource>& loaded) {
  std::string text;
  std::string label = ResourceLabel(fault.type_url(), fault.name());
  if (fault.has_resource_index() && fault.resource_index() < loaded.size()) {
    const LoadedResource& resource = loaded[fault.resource_index()];
    StrAppend(text, resource.file, ": ");
    label = resource.label;
  }
  if (!label.empty()) StrAppend(text, label, ": ");
  if (!fault.field_path().empty()) StrAppend(text, fault.field_path(), ": ");
  if (fault.severity() == Fault::SEVERITY_WARNING) text += "warning: ";
  return text + fault.reason();
}

std::string CountText(const google::protobuf::RepeatedPtrField<ResourceChange>& changes) {
  std::array<int, 4> counts{};
  for (const ResourceChange& change : changes) {
    if (change.kind() >= 0 && change.kind() <= ResourceChange::KIND_REMOVED)
      ++counts[static_cast<size_t>(change.kind())];
  }
  return StrCat(counts[ResourceChange::KIND_ADDED], " added, ", counts[ResourceChange::KIND_CHANGED], " changed, ",
                counts[ResourceChange::KIND_REMOVED], " removed");
}

std::string ChangeLines(const google::protobuf::RepeatedPtrField<ResourceChange>& changes) {
  std::string text;
  for (const ResourceChange& change : changes) {
    const char mark = change.kind() == ResourceChange::KIND_ADDED     ? '+'
                      : change.kind() == ResourceChange::KIND_REMOVED ? '-'
                                                                      : '~';
    StrAppend(text, "  ", mark, " ", ResourceLabel(change.type_url(), change.name()), "\n");
  }
  return text;
}

std::string ResourceDiff(const std::string& label, const std::string& from, const std::string& to,
                         const google::protobuf::Any* before, const google::protobuf::Any* after) {
  std::string hunks = UnifiedDiff(ShownText(before), ShownText(after));
  // Fields that this program does not know, another order of them, keys.
  if (hunks.empty()) hunks = "@@ the same text; what differs is not shown @@\n";
  return StrCat("--- ", before == nullptr ? "/dev/null" : StrCat(label, " (", from, ")"), "\n+++ ",
                after == nullptr ? "/dev/null" : StrCat(label, " (", to, ")"), "\n", hunks);
}

std::string HistoryTable(const control::v1::HistoryResponse& response) {
  Table table({"REVISION", "TIME", "AUTHOR", "ORIGIN", "ADDED", "CHANGED", "REMOVED", "RESOURCES", "MESSAGE"});
  for (const Revision& revision : response.revisions()) {
    table.Add({StrCat(revision.revision()), TimeText(revision.create_time()), revision.author(), OriginText(revision),
               StrCat(revision.added()), StrCat(revision.changed()), StrCat(revision.removed()),
               StrCat(revision.resources()), revision.message()});
  }
  return table.ToString();
}

std::string GroupTable(const control::v1::ListResponse& response) {
  Table table({"GROUP", "REVISION", "RESOURCES", "PROXIES", "CHANGED", "AUTHOR", "MESSAGE"});
  for (const auto& group : response.groups()) {
    table.Add({group.name(), StrCat(group.latest().revision()), StrCat(group.latest().resources()),
               StrCat(group.connected_proxies()), TimeText(group.latest().create_time()), group.latest().author(),
               group.latest().message()});
  }
  return table.ToString();
}

std::string ResourceTable(const control::v1::ListResponse& response) {
  Table table({"TYPE", "NAME", "BYTES", "CHANGED IN"});
  for (const auto& resource : response.resources()) {
    table.Add({control::ShortTypeName(resource.type_url()), resource.name(), StrCat(resource.size()),
               StrCat(resource.changed_revision())});
  }
  return table.ToString();
}

std::string ProxyStateText(const Proxy& proxy) {
  if (!proxy.connected()) return StrCat("gone ", AgeText(proxy.disconnect_time()));
  std::string refused;
  bool waiting = false;
  for (const ProxyType& type : proxy.types()) {
    if (type.state() == ProxyType::STATE_REFUSED) {
      StrAppend(refused, refused.empty() ? "refuses " : ", ", control::ShortTypeName(type.type_url()));
    }
    waiting |= type.state() == ProxyType::STATE_WAITING_FOR_PUSH;
  }
  if (!refused.empty()) return refused;
  if (waiting) return "waits for a first push";
  return proxy.synced() ? "synced" : "on its way";
}

std::string EventText(const control::v1::WatchProxiesResponse& event) {
  if (event.has_initial_state_sent()) return "";
  if (event.has_forgotten()) {
    return StrCat(Printable(StrCat(event.forgotten().node_id(), " (", event.forgotten().group(), ")")),
                  ": forgotten\n");
  }
  const Proxy& proxy = event.proxy();
  std::string text = StrCat(Printable(StrCat(proxy.node_id(), " (", proxy.group(), ")")), ": ", ProxyStateText(proxy),
                            ", revision ", proxy.target_revision(), "\n");
  for (const ProxyType& type : proxy.types()) {
    if (type.error().empty()) continue;
    StrAppend(text, "    ", Printable(StrCat(control::ShortTypeName(type.type_url()), " refused: ", type.error())),
              "\n");
  }
  return text;
}

std::string ProxyTable(const std::vector<Proxy>& proxies) {
  Table table({"NODE", "GROUP", "STATE", "TARGET", "RUNS", "CONNECTED", "ADDRESS", "AGENT"});
  std::string notes;
  for (const Proxy& proxy : proxies) {
    table.Add({proxy.node_id(), proxy.group(), ProxyStateText(proxy), StrCat(proxy.target_revision()), TypesText(proxy),
               proxy.connected() ? AgeText(proxy.connect_time()) : "no", proxy.address(), proxy.user_agent()});
    for (const ProxyType& type : proxy.types()) {
      if (type.error().empty()) continue;
      StrAppend(notes,
                Printable(StrCat(proxy.node_id(), ": ", control::ShortTypeName(type.type_url()), " of revision ",
                                 RevisionPart(type.refused_version()), " refused: ", type.error())),
                "\n");
    }
    if (proxy.duplicate_node_id()) {
      StrAppend(notes, Printable(proxy.node_id()),
                ": several clients use this node id at once; what is shown is mixed up\n");
    }
  }
  return table.ToString() + (notes.empty() ? "" : "\n" + notes);
}

}  // namespace nuncio::ctl
