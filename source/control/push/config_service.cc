#include "source/control/push/config_service.h"

#include <algorithm>
#include <map>
#include <set>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/control/model/resource_types.h"
#include "source/control/push/proto_conversion.h"
#include "source/control/snapshot/group_rule.h"

// Leaves a method with a gRPC status that is not OK.
#define NUNCIO_GRPC_RETURN_IF_ERROR(expression)                             \
  do {                                                                      \
    if (grpc::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

namespace nuncio::control {
namespace {

constexpr uint32_t kDefaultHistory = 50;
constexpr uint32_t kMaxHistory = 1000;
constexpr size_t kMaxAuthor = 255;
constexpr size_t kMaxMessage = 4096;

grpc::Status CheckTexts(const std::string& author, const std::string& message) {
  if (author.size() > kMaxAuthor) {
    return {grpc::StatusCode::INVALID_ARGUMENT, StrCat("author: ", kMaxAuthor, " bytes are the most")};
  }
  if (message.size() > kMaxMessage) {
    return {grpc::StatusCode::INVALID_ARGUMENT, StrCat("message: ", kMaxMessage, " bytes are the most")};
  }
  return grpc::Status::OK;
}

grpc::Status CheckCount(int resources) {
  if (resources <= ConfigService::kMaxResources) return grpc::Status::OK;
  return {grpc::StatusCode::INVALID_ARGUMENT,
          StrCat("resources: there are ", resources, "; ", ConfigService::kMaxResources, " are the most")};
}

// The name in the certificate is proven, the other is said.
std::string Author(const std::string& author, const grpc::ServerContext& context) {
  const std::string proven = OperatorAccess::NameOf(*context.auth_context());
  if (proven.empty() || proven == author) return author;
  return author.empty() ? proven : StrCat(author, " (", proven, ")");
}

std::vector<PushedResource> ToPushed(const google::protobuf::RepeatedPtrField<v1::ConfigResource>& resources) {
  std::vector<PushedResource> pushed;
  pushed.reserve(static_cast<size_t>(resources.size()));
  for (const v1::ConfigResource& resource : resources) pushed.push_back({resource.name(), resource.resource()});
  return pushed;
}

}  // namespace

grpc::Status ConfigService::Push(grpc::ServerContext* context, const v1::PushRequest* request,
                                 v1::PushResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  NUNCIO_GRPC_RETURN_IF_ERROR(ToGrpc(CheckGroupName(request->group())));
  NUNCIO_GRPC_RETURN_IF_ERROR(CheckTexts(request->author(), request->message()));
  NUNCIO_GRPC_RETURN_IF_ERROR(CheckCount(request->resources_size()));
  if (request->deletes_size() > 0 && !request->partial()) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "deletes: only with `partial`; without it, what is not among `resources` goes anyway"};
  }
  PushCommand command;
  command.group = request->group();
  command.resources = ToPushed(request->resources());
  command.partial = request->partial();
  for (const v1::ResourceName& name : request->deletes()) command.deletes.push_back({name.type_url(), name.name()});
  command.dry_run = request->dry_run();
  if (request->has_expected_revision()) command.expected_revision = request->expected_revision();
  command.strict = request->strict();
  command.author = Author(request->author(), *context);
  command.message = request->message();
  const absl::StatusOr<PushOutcome> outcome = publisher_.Push(command);
  if (!outcome.ok()) return ToGrpc(outcome.status());
  if (!command.dry_run && outcome->kind == PushOutcome::Kind::kRefused) {
    return RefusalStatus(command.group, outcome->faults);
  }
  if (!command.dry_run && outcome->kind == PushOutcome::Kind::kConflict) {
    return ConflictStatus(command.group, *command.expected_revision, outcome->latest);
  }
  ToProto(*outcome, command.dry_run, *response);
  return grpc::Status::OK;
}

grpc::Status ConfigService::Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                                     v1::RollbackResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  NUNCIO_GRPC_RETURN_IF_ERROR(ToGrpc(CheckGroupName(request->group())));
  NUNCIO_GRPC_RETURN_IF_ERROR(CheckTexts(request->author(), request->message()));
  RollbackCommand command;
  command.group = request->group();
  command.to_revision = request->to_revision();
  if (request->has_expected_revision()) command.expected_revision = request->expected_revision();
  command.dry_run = request->dry_run();
  command.author = Author(request->author(), *context);
  command.message = request->message();
  uint64_t rolled_back_to = 0;
  const absl::StatusOr<PushOutcome> outcome = publisher_.Rollback(command, rolled_back_to);
  if (!outcome.ok()) return ToGrpc(outcome.status());
  if (!command.dry_run && outcome->kind == PushOutcome::Kind::kRefused) {
    return RefusalStatus(command.group, outcome->faults);
  }
  if (!command.dry_run && outcome->kind == PushOutcome::Kind::kConflict) {
    return ConflictStatus(command.group, command.expected_revision.value_or(0), outcome->latest);
  }
  response->set_rolled_back_to(rolled_back_to);
  ToProto(*outcome, command.dry_run, *response->mutable_push());
  return grpc::Status::OK;
}

grpc::Status ConfigService::Validate(grpc::ServerContext* context, const v1::ValidateRequest* request,
                                     v1::ValidateResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  NUNCIO_GRPC_RETURN_IF_ERROR(CheckCount(request->resources_size()));
  const std::vector<ResourceFault> faults =
      publisher_.Validate(ToPushed(request->resources()), request->strict(), request->partial());
  response->set_valid(std::none_of(faults.begin(), faults.end(),
                                   [](const ResourceFault& fault) { return fault.severity == Severity::kError; }));
  for (const ResourceFault& fault : faults) ToProto(fault, *response->add_faults());
  return grpc::Status::OK;
}

absl::StatusOr<std::shared_ptr<const StoredRevision>> ConfigService::Revision(const std::string& group,
                                                                              uint64_t revision) {
  std::shared_ptr<const StoredRevision> latest = publisher_.Latest(group);
  if (latest == nullptr) {
    return NotFound(StrCat("there is no group \"", group, "\": nothing was pushed to it yet"));
  }
  if (revision == 0 || revision == latest->info.revision) return latest;
  NUNCIO_ASSIGN_OR_RETURN(StoredRevision stored, store_.Load(group, revision));
  return std::make_shared<const StoredRevision>(std::move(stored));
}

grpc::Status ConfigService::Get(grpc::ServerContext* context, const v1::GetRequest* request,
                                v1::GetResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  const absl::StatusOr<std::shared_ptr<const StoredRevision>> revision =
      Revision(request->group(), request->revision());
  if (!revision.ok()) return ToGrpc(revision.status());
  const std::set<std::string> types(request->type_urls().begin(), request->type_urls().end());
  const std::set<std::string> names(request->names().begin(), request->names().end());
  ToProto((*revision)->info, *response->mutable_revision());
  for (const SetEntry& entry : (*revision)->set.entries()) {
    if (!types.empty() && !types.contains(entry.resource->type_url())) continue;
    if (!names.empty() && !names.contains(entry.resource->name())) continue;
    v1::StoredResource& stored = *response->add_resources();
    stored.set_name(entry.resource->name());
    *stored.mutable_resource() = entry.resource->ToShownAny();
    stored.set_changed_revision(entry.changed_revision);
  }
  return grpc::Status::OK;
}

grpc::Status ConfigService::List(grpc::ServerContext* context, const v1::ListRequest* request,
                                 v1::ListResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  const std::map<std::string, uint32_t> connected = fleet_.ConnectedByGroup();
  const auto add_group = [&](const StoredRevision& revision) {
    v1::ListResponse::Group& group = *response->add_groups();
    group.set_name(revision.info.group);
    ToProto(revision.info, *group.mutable_latest());
    const auto count = connected.find(revision.info.group);
    if (count != connected.end()) group.set_connected_proxies(count->second);
  };
  if (request->group().empty()) {
    for (const std::shared_ptr<const StoredRevision>& revision : publisher_.AllLatest()) add_group(*revision);
    return grpc::Status::OK;
  }
  const absl::StatusOr<std::shared_ptr<const StoredRevision>> revision = Revision(request->group(), 0);
  if (!revision.ok()) return ToGrpc(revision.status());
  add_group(**revision);
  for (const SetEntry& entry : (*revision)->set.entries()) {
    v1::ListResponse::Resource& resource = *response->add_resources();
    resource.set_type_url(entry.resource->type_url());
    resource.set_name(entry.resource->name());
    resource.set_size(static_cast<uint32_t>(entry.resource->body().size()));
    resource.set_changed_revision(entry.changed_revision);
  }
  return grpc::Status::OK;
}

grpc::Status ConfigService::History(grpc::ServerContext* context, const v1::HistoryRequest* request,
                                    v1::HistoryResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  const uint32_t limit = std::min(request->limit() == 0 ? kDefaultHistory : request->limit(), kMaxHistory);
  std::optional<uint64_t> before;
  if (request->before_revision() != 0) before = request->before_revision();
  const absl::StatusOr<std::vector<RevisionInfo>> revisions = store_.History(request->group(), before, limit);
  if (!revisions.ok()) return ToGrpc(revisions.status());
  if (revisions->empty() && publisher_.Latest(request->group()) == nullptr) {
    return {grpc::StatusCode::NOT_FOUND,
            StrCat("there is no group \"", request->group(), "\": nothing was pushed to it yet")};
  }
  for (const RevisionInfo& info : *revisions) ToProto(info, *response->add_revisions());
  if (revisions->size() == limit && revisions->back().revision > 1) {
    response->set_next_before_revision(revisions->back().revision);
  }
  return grpc::Status::OK;
}

grpc::Status ConfigService::Diff(grpc::ServerContext* context, const v1::DiffRequest* request,
                                 v1::DiffResponse* response) {
  NUNCIO_GRPC_RETURN_IF_ERROR(access_.Check(*context->auth_context()));
  const absl::StatusOr<std::shared_ptr<const StoredRevision>> to = Revision(request->group(), request->to_revision());
  if (!to.ok()) return ToGrpc(to.status());
  const uint64_t from_revision = request->from_revision() != 0 ? request->from_revision() : (*to)->info.revision - 1;
  ResourceSet before;
  if (from_revision != 0) {
    const absl::StatusOr<std::shared_ptr<const StoredRevision>> from = Revision(request->group(), from_revision);
    if (!from.ok()) return ToGrpc(from.status());
    before = (*from)->set;
  }
  response->set_from_revision(from_revision);
  response->set_to_revision((*to)->info.revision);
  for (const ResourceDifference& difference : Compare(before, (*to)->set)) {
    ToProto(difference, true, *response->add_changes());
  }
  return grpc::Status::OK;
}

}  // namespace nuncio::control
