#include "source/control/push/proto_conversion.h"

#include <algorithm>

#include "google/rpc/status.pb.h"
#include "source/base/strings.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

// Clients take 8 KiB of trailers unless told otherwise, and the details travel in base64.
constexpr size_t kMaxDetailBytes = 4096;
constexpr size_t kMaxStatusMessage = 512;

grpc::Status StatusWithDetail(grpc::StatusCode code, const std::string& message,
                              const google::protobuf::Message& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, message, status.SerializeAsString()};
}

v1::ResourceChange::Kind KindOf(const ResourceDifference& difference) {
  if (difference.before == nullptr) return v1::ResourceChange::KIND_ADDED;
  if (difference.after == nullptr) return v1::ResourceChange::KIND_REMOVED;
  return v1::ResourceChange::KIND_CHANGED;
}

std::string Summary(const ResourceFault& fault) {
  std::string text;
  if (!fault.key.type_url.empty()) StrAppend(text, ShortTypeName(fault.key.type_url), " ");
  if (!fault.key.name.empty()) StrAppend(text, "\"", fault.key.name, "\" ");
  if (!fault.field_path.empty()) StrAppend(text, fault.field_path);
  if (!text.empty()) {
    if (text.back() == ' ') text.pop_back();
    text += ": ";
  }
  return text + fault.reason;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(ToStd(status.message()))};
}

void ToProto(SystemTime time, google::protobuf::Timestamp& proto) {
  const int64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  proto.set_seconds(nanos / 1'000'000'000);
  proto.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

void ToProto(const RevisionInfo& info, v1::Revision& proto) {
  proto.set_group(info.group);
  proto.set_revision(info.revision);
  proto.set_author(info.author);
  proto.set_message(info.message);
  ToProto(info.create_time, *proto.mutable_create_time());
  proto.set_origin(static_cast<v1::Revision::Origin>(info.origin));
  proto.set_rolled_back_to(info.rolled_back_to);
  proto.set_added(info.added);
  proto.set_changed(info.changed);
  proto.set_removed(info.removed);
  proto.set_resources(info.resources);
}

void ToProto(const ResourceFault& fault, v1::Fault& proto) {
  proto.set_severity(static_cast<v1::Fault::Severity>(fault.severity));
  proto.set_type_url(fault.key.type_url);
  proto.set_name(fault.key.name);
  proto.set_field_path(fault.field_path);
  proto.set_reason(fault.reason);
  if (fault.index.has_value()) proto.set_resource_index(*fault.index);
}

void ToProto(const ResourceDifference& difference, bool with_bodies, v1::ResourceChange& proto) {
  proto.set_kind(KindOf(difference));
  proto.set_type_url(difference.key().type_url);
  proto.set_name(difference.key().name);
  if (!with_bodies) return;
  if (difference.before != nullptr) *proto.mutable_before() = difference.before->ToShownAny();
  if (difference.after != nullptr) *proto.mutable_after() = difference.after->ToShownAny();
}

void ToProto(const PushOutcome& outcome, bool dry_run, v1::PushResponse& proto) {
  if (outcome.latest.has_value()) proto.set_revision(outcome.latest->revision);
  proto.set_unchanged(outcome.kind == PushOutcome::Kind::kUnchanged);
  proto.set_refused(dry_run &&
                    (outcome.kind == PushOutcome::Kind::kRefused || outcome.kind == PushOutcome::Kind::kConflict));
  for (const ResourceFault& fault : outcome.faults) ToProto(fault, *proto.add_faults());
  for (const ResourceDifference& difference : outcome.differences) ToProto(difference, false, *proto.add_changes());
}

grpc::Status RefusalStatus(const std::string& group, std::span<const ResourceFault> faults) {
  v1::PushRefusal refusal;
  refusal.set_total_faults(static_cast<uint32_t>(faults.size()));
  size_t size = 0;
  for (const ResourceFault& fault : faults) {
    v1::Fault proto;
    ToProto(fault, proto);
    size += proto.ByteSizeLong() + 4;
    if (size > kMaxDetailBytes) break;
    *refusal.add_faults() = std::move(proto);
  }
  const auto errors = std::count_if(faults.begin(), faults.end(),
                                    [](const ResourceFault& fault) { return fault.severity == Severity::kError; });
  std::string message = StrCat("push to group \"", group, "\" refused, ", errors,
                               errors == 1 ? " error: " : " errors: ", faults.empty() ? "" : Summary(faults.front()));
  if (message.size() > kMaxStatusMessage) message.resize(kMaxStatusMessage);
  return StatusWithDetail(grpc::StatusCode::INVALID_ARGUMENT, message, refusal);
}

grpc::Status ConflictStatus(const std::string& group, uint64_t expected, const std::optional<RevisionInfo>& latest) {
  v1::RevisionConflict conflict;
  if (!latest.has_value()) {
    return StatusWithDetail(
        grpc::StatusCode::ABORTED,
        StrCat("group \"", group, "\" does not exist, so it is not at the expected revision ", expected), conflict);
  }
  conflict.set_current_revision(latest->revision);
  conflict.set_author(latest->author);
  ToProto(latest->create_time, *conflict.mutable_create_time());
  return StatusWithDetail(grpc::StatusCode::ABORTED,
                          StrCat("group \"", group, "\" is at revision ", latest->revision, " by \"", latest->author,
                                 "\", not at the expected revision ", expected),
                          conflict);
}

}  // namespace nuncio::control
