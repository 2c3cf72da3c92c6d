#pragma once

#include <grpcpp/support/status.h>

#include <span>

#include "absl/status/status.h"
#include "nuncio/control/v1/config_service.pb.h"
#include "source/control/model/resource.h"
#include "source/control/model/resource_fault.h"
#include "source/control/push/publisher.h"
#include "source/control/store/store.h"

// Between nuncio.control.v1 and what the control plane works with.
namespace nuncio::control {

grpc::Status ToGrpc(const absl::Status& status);
void ToProto(SystemTime time, google::protobuf::Timestamp& proto);
void ToProto(const RevisionInfo& info, v1::Revision& proto);
void ToProto(const ResourceFault& fault, v1::Fault& proto);
// `with_bodies`: also what the resource was and is, as people may see it.
void ToProto(const ResourceDifference& difference, bool with_bodies, v1::ResourceChange& proto);

// Reduces a push's outcome to what PushResponse tells. Not for a conflict or a refusal outside of a dry run.
void ToProto(const PushOutcome& outcome, bool dry_run, v1::PushResponse& proto);

// The errors that a refused push and one with a stale base end in, details included.
grpc::Status RefusalStatus(const std::string& group, std::span<const ResourceFault> faults);
grpc::Status ConflictStatus(const std::string& group, uint64_t expected, const std::optional<RevisionInfo>& latest);

}  // namespace nuncio::control
