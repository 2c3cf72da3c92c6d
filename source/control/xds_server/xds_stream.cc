#include "source/control/xds_server/xds_stream.h"

#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/slice.h>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

using ::envoy::config::core::v3::Node;
using ::envoy::service::discovery::v3::DiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryResponse;

// It is kept, and shown, for a while after the client is gone.
constexpr size_t kMaxNodeIdLength = 1024;

// A slice over bytes that somebody else owns, for as long as gRPC needs it.
grpc::Slice SharedSlice(const std::shared_ptr<const std::string>& bytes) {
  auto* owner = new std::shared_ptr<const std::string>(bytes);
  return grpc::Slice(
      const_cast<char*>(bytes->data()), bytes->size(),
      [](void* held) { delete static_cast<std::shared_ptr<const std::string>*>(held); }, owner);
}

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(ToStd(status.message()))};
}

std::string UserAgent(const Node& node) {
  std::string version = node.user_agent_version();
  if (node.has_user_agent_build_version()) {
    const auto& number = node.user_agent_build_version().version();
    version = StrCat(number.major_number(), ".", number.minor_number(), ".", number.patch());
  }
  return StrCat(node.user_agent_name(), node.user_agent_name().empty() || version.empty() ? "" : " ", version);
}

}  // namespace

XdsStream::XdsStream(const XdsEnvironment& environment, std::string peer, std::string only_type)
    : environment_(environment),
      peer_(std::move(peer)),
      aggregated_(only_type.empty()),
      session_(environment.history, std::move(only_type)) {}

XdsStream::~XdsStream() = default;

void XdsStream::Start(std::shared_ptr<XdsStream> self) {
  environment_.counters.xds_streams_opened.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  self_ = std::move(self);
  // A client may wait for the headers before it counts the server as reachable.
  StartSendInitialMetadata();
  StartRead(&read_buffer_);
}

void XdsStream::Stop() {
  const std::lock_guard lock(mutex_);
  End({grpc::StatusCode::UNAVAILABLE, "the control plane stops"});
}

void XdsStream::Tick() {
  const std::lock_guard lock(mutex_);
  if (session_.waiting()) Pump();
}

void XdsStream::OnReadDone(bool ok) {
  const std::lock_guard lock(mutex_);
  // The client is gone, or has said all it had to say.
  if (!ok) return End(grpc::Status::OK);
  if (ended_) return;
  DiscoveryRequest request;
  grpc::Status status = grpc::GenericDeserialize<grpc::ProtoBufferReader, DiscoveryRequest>(&read_buffer_, &request);
  read_buffer_.Clear();
  if (status.ok()) status = OnRequest(request);
  if (!status.ok()) {
    environment_.counters.xds_streams_refused.fetch_add(1, std::memory_order_relaxed);
    NUNCIO_LOG(kControl, kWarning, "xDS stream of ", peer_, " node \"", node_id_, "\" ended: ", status.error_message());
    return End(status);
  }
  Pump();
  StartRead(&read_buffer_);
}

grpc::Status XdsStream::Introduce(const Node& node) {
  if (node.id().empty()) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "node.id must be set in the first request of a stream"};
  }
  if (node.id().size() > kMaxNodeIdLength) {
    return {grpc::StatusCode::INVALID_ARGUMENT, StrCat("node.id has more than ", kMaxNodeIdLength, " bytes")};
  }
  absl::StatusOr<std::string> group = environment_.group_rule.GroupOf(node);
  if (!group.ok()) return ToGrpc(group.status());
  group_ = *std::move(group);
  node_id_ = node.id();
  fleet_id_ = environment_.fleet.OnStreamOpened({.node_id = node_id_,
                                                 .group = group_,
                                                 .node_cluster = node.cluster(),
                                                 .address = peer_,
                                                 .user_agent = UserAgent(node)},
                                                aggregated_);
  NUNCIO_LOG(kControl, kInfo, "xDS stream of node \"", node_id_, "\", group \"", group_, "\", from ", peer_);
  const SnapshotPtr snapshot = environment_.snapshots.Watch(group_, self_);
  if (snapshot != nullptr) session_.OnSnapshot(snapshot);
  return grpc::Status::OK;
}

grpc::Status XdsStream::OnRequest(const DiscoveryRequest& request) {
  environment_.counters.xds_requests.fetch_add(1, std::memory_order_relaxed);
  if (!fleet_id_.has_value()) {
    const grpc::Status status = Introduce(request.node());
    if (!status.ok()) return status;
  }
  environment_.fleet.OnActivity(*fleet_id_);
  if (!request.response_nonce().empty()) {
    if (request.has_error_detail()) {
      environment_.counters.xds_refused.fetch_add(1, std::memory_order_relaxed);
      NUNCIO_LOG(kControl, kWarning, "node \"", node_id_, "\", group \"", group_, "\" refuses ",
                 ShortTypeName(request.type_url()), ": ", request.error_detail().message());
    } else {
      environment_.counters.xds_acknowledged.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return ToGrpc(session_.OnRequest(request));
}

void XdsStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  write_buffer_.Clear();
  if (end_after_write_.has_value()) return End(*end_after_write_);
  if (!ok) return;  // OnReadDone or OnCancel follows.
  Pump();
}

void XdsStream::OnSnapshot(const SnapshotPtr& snapshot) {
  const std::lock_guard lock(mutex_);
  session_.OnSnapshot(snapshot);
  Pump();
}

void XdsStream::Pump() {
  if (ended_ || !fleet_id_.has_value()) return;
  if (!writing_) {
    const std::optional<OutgoingResponse> response = session_.Next(environment_.clock.Monotonic());
    if (response.has_value()) {
      write_buffer_ = Encode(*response);
      environment_.counters.xds_responses.fetch_add(1, std::memory_order_relaxed);
      environment_.counters.xds_response_bytes.fetch_add(write_buffer_.Length(), std::memory_order_relaxed);
      NUNCIO_LOG(kControl, kDebug, "to node \"", node_id_, "\": ", ShortTypeName(response->type_url), " version ",
                 response->selection->version(), " nonce ", response->nonce, ", ",
                 response->selection->resources().size(), " resources");
      writing_ = true;
      StartWrite(&write_buffer_);
    }
  }
  ReportStatus();
}

grpc::ByteBuffer XdsStream::Encode(const OutgoingResponse& response) const {
  // The order of fields on the wire is free, so what is this stream's own stands before what it shares with others.
  DiscoveryResponse own;
  own.set_version_info(response.selection->version());
  own.set_type_url(response.type_url);
  own.set_nonce(response.nonce);
  own.mutable_control_plane()->set_identifier(environment_.identifier);
  const grpc::Slice slices[] = {grpc::Slice(own.SerializeAsString()), SharedSlice(response.selection->Encoded())};
  return grpc::ByteBuffer(slices, 2);
}

void XdsStream::ReportStatus() {
  const uint64_t revision = session_.snapshot() == nullptr ? 0 : session_.snapshot()->revision();
  std::vector<TypeStatus> status = session_.Status();
  if (status == reported_ && revision == reported_revision_) return;
  reported_ = status;
  reported_revision_ = revision;
  environment_.fleet.OnStatus(*fleet_id_, revision, std::move(status));
}

void XdsStream::End(const grpc::Status& status) {
  if (ended_) return;
  if (writing_) {
    if (!end_after_write_.has_value()) end_after_write_ = status;
    return;
  }
  ended_ = true;
  Finish(status);
}

void XdsStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  End(grpc::Status::CANCELLED);
}

void XdsStream::OnDone() {
  std::shared_ptr<XdsStream> last;
  {
    const std::lock_guard lock(mutex_);
    last = std::move(self_);
  }
  if (!fleet_id_.has_value()) return;
  environment_.snapshots.Unwatch(group_, this);
  environment_.fleet.OnStreamClosed(*fleet_id_);
}

}  // namespace nuncio::control
