#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/control/fleet/fleet.h"
#include "source/control/metrics/counters.h"
#include "source/control/snapshot/group_rule.h"
#include "source/control/snapshot/snapshot_cache.h"
#include "source/control/snapshot/state_history.h"
#include "source/control/xds_server/xds_session.h"

namespace nuncio::control {

// What all xDS streams work with. All of it must outlive the streams.
struct XdsEnvironment {
  const Clock& clock;
  const GroupRule& group_rule;
  SnapshotCache& snapshots;
  StateHistory& history;
  Fleet& fleet;
  Counters& counters;
  // Name of this server, in every response.
  std::string identifier;
};

// One xDS stream as gRPC sees it. Requests are read as they come; one response is being written at a time, and what it
// is is decided when the one before it is gone: a slow client gets fewer, newer responses and holds up nobody.
// Responses go out as bytes that all streams with the same wishes share.
//
// Called by gRPC's threads and the publisher's.
class XdsStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, public SnapshotWatcher {
 public:
  // `only_type` as in XdsSession.
  XdsStream(const XdsEnvironment& environment, std::string peer, std::string only_type);
  ~XdsStream() override;

  // Called once, with the reference that lives as long as the call.
  void Start(std::shared_ptr<XdsStream> self);
  // Ends the stream for a client to come back, here or elsewhere.
  void Stop();
  // Called from time to time, so that nothing is held back for ever.
  void Tick();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnSnapshot(const SnapshotPtr& snapshot) override;

 private:
  // The caller of these holds mutex_.
  grpc::Status OnRequest(const envoy::service::discovery::v3::DiscoveryRequest& request);
  grpc::Status Introduce(const envoy::config::core::v3::Node& node);
  void Pump();
  void ReportStatus();
  grpc::ByteBuffer Encode(const OutgoingResponse& response) const;
  void End(const grpc::Status& status);

  const XdsEnvironment& environment_;
  const std::string peer_;
  const bool aggregated_;

  // Only between StartRead and OnReadDone, which take turns.
  grpc::ByteBuffer read_buffer_;

  std::mutex mutex_;
  XdsSession session_;
  std::string group_;
  std::string node_id_;
  // Set once the client has said who it is.
  std::optional<Fleet::StreamId> fleet_id_;
  std::vector<TypeStatus> reported_;
  uint64_t reported_revision_ = 0;
  grpc::ByteBuffer write_buffer_;
  bool writing_ = false;
  bool ended_ = false;
  // Set where the stream is to end when the write under way is done.
  std::optional<grpc::Status> end_after_write_;
  std::shared_ptr<XdsStream> self_;
};

}  // namespace nuncio::control
