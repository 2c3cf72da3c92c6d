#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_source.h"
#include "source/telemetry/xds_stats.h"
#include "source/xds/request_limit.h"
#include "source/xds/source.h"
#include "source/xds/type_subscriptions.h"

namespace nuncio::xds {

// A control plane on one gRPC stream, in the state-of-the-world protocol: what is asked for, answers acknowledged or
// refused, and the stream made anew when it is lost, while everything taken stays in force. Main thread.
//
// While the control plane has not been reached since the start (the first attempt failed, or kSavedAfter passed without
// an answer), resources kept in the state directory stand in for its answers.
class StreamSource final : public Source, private StreamEvents, private TypeSubscriptions::Owner {
 public:
  // Between attempts: doubled from kMinBackOff to kMaxBackOff, of which a random part from half to all is waited.
  static constexpr std::chrono::milliseconds kMinBackOff{500};
  static constexpr std::chrono::seconds kMaxBackOff{30};
  static constexpr std::chrono::seconds kSavedAfter{2};
  // Between two refusals of a type. Some control planes answer each with the same again, at once, and would keep both
  // sides busy with it; others have nothing new to say before they were refused, so it must not be long.
  static constexpr std::chrono::seconds kRefusalPause{1};

  struct Options {
    // For logs and the state directory: "ads", or what tells this source from others.
    std::string name;
    config::GrpcSource grpc;
    // Types share the stream; else there is one type alone.
    bool aggregated;
    // "/package.Service/Method"
    std::string path;
    // `control_plane.*`.
    telemetry::ScopePtr scope;
  };
  StreamSource(const SourceServices& services, Options options);
  ~StreamSource() override;

  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource& source, const config::ResourceType& type,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override;
  bool idle() const override;
  void AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const override;
  void Stop() override;

 private:
  struct Type;
  // One request to be sent; made when it is sent, from what is asked for by then.
  struct Pending {
    Type* type;
    // Answers `nonce`; else only the names changed.
    bool answers;
    std::string error;
  };

  // TypeSubscriptions::Owner
  void OnInterestChanged(TypeSubscriptions& type) override;
  // StreamEvents
  void OnConnected() override;
  void OnMessage(std::string bytes) override;
  void OnClosed(std::string_view reason) override;

  // Acts on what changed in this turn.
  void OnEndOfTurn();
  void TakeNameChanges(Type& type);
  void Connect();
  // Ends the stream, if there is one.
  void Disconnect();
  void ScheduleReconnect();
  void CompileNext();
  void OnCompiled(const CompiledResponse& response);
  // Brings it into force. Returns what was wrong with it; empty: nothing.
  std::string Take(Type& type, const CompiledResponse& response);
  void Queue(Type& type, bool answers, std::string error);
  // How long it is held back yet: a refusal too soon after another one, with no other names to ask for.
  Duration WaitOf(const Pending& pending) const;
  void SendQueued();
  void AwaitRefusals();
  void SendOne(const Pending& pending);
  void OnSavedTimer();
  void UseSaved();
  void UseSavedOf(Type& type);
  void OnSavedCompiled(const CompiledResponse& response);
  Type& TypeOf(const config::ResourceType& type);
  Type* FindType(std::string_view type_url) const;
  void SetConnected(bool connected);

  // Constant after construction.
  const SourceServices services_;
  const Options options_;
  telemetry::ControlPlaneStats& stats_;
  const std::shared_ptr<ResponseCompiler> compiler_;

  // In the order in which they are first asked for: clusters, endpoints, listeners, routes, others.
  std::vector<std::unique_ptr<Type>> types_;
  std::unique_ptr<Stream> stream_;
  bool node_sent_ = false;
  bool connected_ = false;
  std::deque<Pending> queue_;
  // Answers not compiled yet; the first is being compiled.
  std::deque<std::string> answers_;
  bool compiling_ = false;
  // Tells answers of this stream from those of earlier ones.
  uint64_t stream_number_ = 0;
  uint32_t failures_ = 0;
  bool answered_ever_ = false;
  // Kept resources stand in.
  bool use_saved_ = false;
  // Applies where options_.grpc.limited.
  RequestLimit limit_;
  event::Timer refusal_timer_;
  event::TurnTask end_of_turn_;
  event::Timer reconnect_;
  event::Timer saved_timer_;
  bool stopped_ = false;
  // Gone with this object: jobs on the configuration thread hold it weakly.
  std::shared_ptr<StreamSource*> self_;
};

}  // namespace nuncio::xds
