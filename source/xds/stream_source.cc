#include "source/xds/stream_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"
#include "source/xds/discovery_request.h"

namespace nuncio::xds {
namespace {

// Make before break: clusters and their endpoints before what routes to them.
int Order(std::string_view type_url) {
  const std::string_view name = ShortTypeName(type_url);
  if (name == "Cluster") return 0;
  if (name == "ClusterLoadAssignment") return 1;
  if (name == "Listener") return 2;
  if (name == "RouteConfiguration") return 3;
  return 4;
}

}  // namespace

void ReportWarnings(const CompiledResponse& response, const SourceServices& services) {
  for (const std::string& warning : response.warnings) NUNCIO_LOG(kConfig, kWarning, warning);
  if (response.unknown_fields > 0) services.dynamic_unknown_fields.Add(response.unknown_fields);
}

struct StreamSource::Type {
  Type(const SourceServices& services, const config::ResourceType& resource_type, TypeSubscriptions::Owner& owner)
      : subscriptions(services.loop, services.stats, resource_type, owner) {}

  // Of what is asked for but the type and the names, see DiscoveryRequest.
  bool News() const {
    const bool all = subscriptions.wildcard();
    if (!asked) return all || !names->empty();
    return all != asked_for_all || (!all && names != asked_names && *names != *asked_names);
  }

  TypeSubscriptions subscriptions;
  // The names asked for, as requests have them. Kept in that form, since each request has all of them.
  std::shared_ptr<const std::string> names = std::make_shared<const std::string>();
  // Accepted last; empty where names came while no resource is in force, or came to a stream of one type. Servers that
  // go by versions alone take what is older than the version for known, and would not answer. On a stream of one type
  // they expect each subscription to have a stream and a version of its own, as Envoy makes them. Ten thousand clusters
  // would be as many streams, so here they share one, and new names cost an answer with all of them. Of an aggregated
  // stream servers know that it is shared.
  std::string version;
  // Of the newest answer on this stream.
  std::string nonce;
  // On this stream: whether, and for what, a request was made.
  bool asked = false;
  bool asked_for_all = false;
  std::shared_ptr<const std::string> asked_names;
  // On this stream: when an answer was refused last.
  std::optional<MonotonicTime> refused_at;
  // What is asked for may have changed.
  bool changed = false;
  // The control plane has answered; the state directory no longer stands in.
  bool answered = false;
};

StreamSource::StreamSource(const SourceServices& services, Options options)
    : services_(services),
      options_(std::move(options)),
      stats_(options_.scope->Get<telemetry::ControlPlaneStats>(telemetry::kMainSlot)),
      compiler_(std::make_shared<ResponseCompiler>(services.unknown_fields)),
      limit_(services.loop, options_.grpc.rate_limit, Delegate<void()>::Bind<&StreamSource::SendQueued>(this)),
      refusal_timer_(services.loop, Delegate<void()>::Bind<&StreamSource::SendQueued>(this)),
      end_of_turn_(Delegate<void()>::Bind<&StreamSource::OnEndOfTurn>(this)),
      reconnect_(services.loop, Delegate<void()>::Bind<&StreamSource::Connect>(this)),
      saved_timer_(services.loop, Delegate<void()>::Bind<&StreamSource::OnSavedTimer>(this)),
      self_(std::make_shared<StreamSource*>(this)) {}

StreamSource::~StreamSource() { Disconnect(); }

void StreamSource::Stop() {
  stopped_ = true;
  reconnect_.Disarm();
  saved_timer_.Disarm();
  Disconnect();
}

StreamSource::Type& StreamSource::TypeOf(const config::ResourceType& type) {
  if (Type* known = FindType(type.type_url()); known != nullptr) return *known;
  const auto at = std::find_if(types_.begin(), types_.end(), [&](const auto& each) {
    return Order(each->subscriptions.type().type_url()) > Order(type.type_url());
  });
  TypeSubscriptions::Owner& owner = *this;
  return **types_.insert(at, std::make_unique<Type>(services_, type, owner));
}

StreamSource::Type* StreamSource::FindType(std::string_view type_url) const {
  for (const auto& type : types_) {
    if (type->subscriptions.type().type_url() == type_url) return type.get();
  }
  return nullptr;
}

std::unique_ptr<config::Subscription> StreamSource::Subscribe(const config::ConfigSource& source,
                                                              const config::ResourceType& type,
                                                              config::ResourceNames names,
                                                              config::ResourceWatcher& watcher) {
  return TypeOf(type).subscriptions.Add(source.initial_fetch_timeout, std::move(names), watcher);
}

bool StreamSource::idle() const {
  return std::all_of(types_.begin(), types_.end(), [](const auto& type) { return type->subscriptions.empty(); });
}

void StreamSource::AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const {
  const Type* type = FindType(type_url);
  if (type == nullptr) return;
  for (ResourceStatus& status : type->subscriptions.Statuses()) out.push_back(std::move(status));
}

void StreamSource::OnInterestChanged(TypeSubscriptions& type) {
  FindType(type.type().type_url())->changed = true;
  services_.loop.AtEndOfTurn(end_of_turn_);
}

void StreamSource::OnEndOfTurn() {
  if (stopped_) return;
  if (idle()) {
    for (const auto& type : types_) {
      type->changed = false;
      TakeNameChanges(*type);
    }
    reconnect_.Disarm();
    saved_timer_.Disarm();
    Disconnect();
    return;
  }
  for (const auto& type : types_) {
    if (type->changed) TakeNameChanges(*type);
  }
  if (stream_ == nullptr && !reconnect_.armed()) Connect();
  for (size_t i = 0; i < types_.size(); ++i) {
    Type& type = *types_[i];
    if (!std::exchange(type.changed, false)) continue;
    if (stream_ != nullptr) Queue(type, /*answers=*/false, "");
    if (use_saved_) UseSavedOf(type);
  }
  SendQueued();
}

void StreamSource::TakeNameChanges(Type& type) {
  NameChanges changes = type.subscriptions.TakeNameChanges();
  if (changes.empty()) return;
  type.names = std::make_shared<const std::string>(ChangeNames(*type.names, changes.came, changes.went));
  if (!type.subscriptions.wildcard() && (!options_.aggregated || !type.subscriptions.holds_any()) &&
      !type.subscriptions.HoldsAll(changes.came)) {
    type.version.clear();
  }
  if (services_.store != nullptr && !type.subscriptions.wildcard() && !changes.went.empty()) {
    services_.store->Erase(options_.name, type.subscriptions.type().type_url(), std::move(changes.went));
  }
}

void StreamSource::Connect() {
  if (idle()) return;
  Disconnect();
  ++stream_number_;
  for (const auto& type : types_) {
    type->nonce.clear();
    type->asked = false;
    type->asked_names.reset();
    type->refused_at.reset();
  }
  node_sent_ = false;
  if (services_.store != nullptr && !answered_ever_ && !use_saved_ && !saved_timer_.armed()) {
    saved_timer_.Arm(kSavedAfter);
  }
  StreamEvents& events = *this;
  stream_ = services_.transport.Open(options_.grpc.target, options_.path, events);
  for (const auto& type : types_) Queue(*type, /*answers=*/false, "");
  SendQueued();
}

void StreamSource::Disconnect() {
  stream_.reset();
  queue_.clear();
  answers_.clear();
  compiling_ = false;
  limit_.Cancel();
  refusal_timer_.Disarm();
  stats_.pending_requests.Set(0);
  SetConnected(false);
}

void StreamSource::SetConnected(bool connected) {
  if (connected_ == connected) return;
  connected_ = connected;
  stats_.connected_state.Add(connected ? 1 : -1);
}

void StreamSource::OnConnected() {
  SetConnected(true);
  NUNCIO_LOG(kConfig, kInfo, options_.name, ": connected to the control plane");
}

void StreamSource::OnClosed(std::string_view reason) {
  NUNCIO_LOG(kConfig, kWarning, options_.name, ": the stream to the control plane (cluster ",
             options_.grpc.target.cluster, ") is lost: ", reason);
  Disconnect();
  ScheduleReconnect();
  for (size_t i = 0; i < types_.size(); ++i) {
    types_[i]->subscriptions.Tell(config::SubscriptionEvent::Kind::kFailed);
  }
  const bool missing = std::any_of(types_.begin(), types_.end(), [this](const auto& type) {
    return type->subscriptions.wanted() && !type->answered;
  });
  if (missing) UseSaved();
}

void StreamSource::ScheduleReconnect() {
  const Duration longest = std::min<Duration>(kMaxBackOff, kMinBackOff * (int64_t{1} << std::min(failures_, 10u)));
  ++failures_;
  const uint64_t half = static_cast<uint64_t>(longest.count()) / 2;
  reconnect_.Arm(Duration(static_cast<int64_t>(half + services_.random.Below(half + 1))));
}

void StreamSource::OnMessage(std::string bytes) {
  SetConnected(true);
  answers_.push_back(std::move(bytes));
  // One answer is worked on at a time, so that a server cannot fill the memory with answers.
  if (compiling_) {
    if (answers_.size() == 1) stream_->PauseReading(true);
    return;
  }
  CompileNext();
}

void StreamSource::CompileNext() {
  compiling_ = true;
  ResourceTypes types;
  for (const auto& type : types_) types.push_back(&type->subscriptions.type());
  services_.thread.Run([compiler = compiler_, types = std::move(types), bytes = std::move(answers_.front()),
                        weak = std::weak_ptr<StreamSource*>(self_), number = stream_number_]() -> ConfigThread::Then {
    auto response = std::make_shared<CompiledResponse>(compiler->CompileMessage(bytes, types));
    compiler->Keep(response);
    return [weak, number, response] {
      const auto self = weak.lock();
      if (self != nullptr && (*self)->stream_number_ == number && (*self)->stream_ != nullptr) {
        (*self)->OnCompiled(*response);
      }
    };
  });
  answers_.pop_front();
}

void StreamSource::OnCompiled(const CompiledResponse& response) {
  compiling_ = false;
  if (!response.faults.empty()) {
    // There is no nonce to refuse it by.
    OnClosed(StrCat("an answer ", response.faults.ToString()));
    return;
  }
  if (!answers_.empty()) {
    if (answers_.size() == 1) stream_->PauseReading(false);
    CompileNext();
  }
  failures_ = 0;
  if (!response.control_plane.empty()) stats_.identifier.Set(response.control_plane);
  Type* type = FindType(response.type_url);
  if (type == nullptr || !type->asked) {
    NUNCIO_LOG(kConfig, kDebug, options_.name, ": an answer of a type that nobody asked for: ", response.type_url);
    return;
  }
  type->nonce = response.nonce;
  std::string faults;
  if (!type->subscriptions.wanted()) {
    // It was on its way when the last name was given up. The server may hold that request for an answer to an earlier
    // one, and waits for the answer to this one: it would ignore whatever came without its nonce.
    type->version = response.version;
  } else if (!response.OnlyHeartbeats()) {
    faults = Take(*type, response);
  }
  Queue(*type, /*answers=*/true, std::move(faults));
  SendQueued();
}

std::string StreamSource::Take(Type& type, const CompiledResponse& response) {
  answered_ever_ = true;
  use_saved_ = false;
  saved_timer_.Disarm();
  ReportWarnings(response, services_);
  InForceChange in_force;
  std::string faults = type.subscriptions.Apply(response, services_.store != nullptr ? &in_force : nullptr);
  services_.memory.OnCompiled(response.compiled_bytes);
  type.answered = true;
  if (faults.empty()) {
    type.version = response.version;
    NUNCIO_LOG(kConfig, kDebug, options_.name, ": ", ShortTypeName(response.type_url), " version ", response.version,
               " taken");
  } else {
    NUNCIO_LOG(kConfig, kWarning, options_.name, ": ", ShortTypeName(response.type_url), " version ", response.version,
               " refused in part; what was good before stays:\n", CutLines(faults, kMaxErrorLength));
  }
  if (services_.store != nullptr) services_.store->Take(options_.name, response.type_url, std::move(in_force));
  return faults;
}

void StreamSource::Queue(Type& type, bool answers, std::string error) {
  // The newest request of a type says all that older ones would have said.
  const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const auto& each) { return each.type == &type; });
  if (found == queue_.end()) {
    queue_.push_back({&type, answers, std::move(error)});
  } else if (answers) {
    found->answers = true;
    found->error = std::move(error);
  }
  stats_.pending_requests.Set(static_cast<int64_t>(queue_.size()));
}

Duration StreamSource::WaitOf(const Pending& pending) const {
  const Type& type = *pending.type;
  if (pending.error.empty() || !type.refused_at.has_value() || type.News()) return Duration::zero();
  return std::max(*type.refused_at + kRefusalPause - services_.loop.now(), Duration::zero());
}

void StreamSource::SendQueued() {
  while (stream_ != nullptr) {
    const auto next = std::find_if(queue_.begin(), queue_.end(),
                                   [this](const auto& each) { return WaitOf(each) == Duration::zero(); });
    if (next == queue_.end()) break;
    Type& type = *next->type;
    if (!next->answers && !type.News()) {
      queue_.erase(next);
      continue;
    }
    if (options_.grpc.limited && !limit_.Take()) {
      stats_.rate_limit_enforced.Inc();
      break;
    }
    const Pending pending = std::move(*next);
    queue_.erase(next);
    if (!pending.error.empty()) type.refused_at = services_.loop.now();
    type.asked = true;
    type.asked_for_all = type.subscriptions.wildcard();
    type.asked_names = type.names;
    SendOne(pending);
    if (!pending.answers) type.subscriptions.Tell(config::SubscriptionEvent::Kind::kAsked);
  }
  AwaitRefusals();
  stats_.pending_requests.Set(static_cast<int64_t>(queue_.size()));
}

void StreamSource::AwaitRefusals() {
  Duration shortest = Duration::max();
  for (const Pending& pending : queue_) {
    if (const Duration wait = WaitOf(pending); wait > Duration::zero()) shortest = std::min(shortest, wait);
  }
  if (shortest < Duration::max()) refusal_timer_.Arm(shortest);
}

void StreamSource::SendOne(const Pending& pending) {
  Type& type = *pending.type;
  DiscoveryRequest request;
  request.type_url = type.subscriptions.type().type_url();
  request.version = type.version;
  request.nonce = type.nonce;
  if (!type.asked_for_all) request.names = *type.names;
  request.error = pending.error;
  if (!node_sent_ || !options_.grpc.node_on_first_message_only) request.node = *services_.node;
  node_sent_ = true;
  stream_->Send(Encode(request));
}

void StreamSource::OnSavedTimer() {
  if (!answered_ever_) UseSaved();
}

void StreamSource::UseSaved() {
  if (services_.store == nullptr || use_saved_) return;
  use_saved_ = true;
  saved_timer_.Disarm();
  NUNCIO_LOG(kConfig, kWarning, options_.name,
             ": the control plane has not answered yet; going on with what is kept in the state directory");
  for (size_t i = 0; i < types_.size(); ++i) UseSavedOf(*types_[i]);
}

void StreamSource::UseSavedOf(Type& type) {
  if (type.answered) return;
  const config::ResourceType& resource_type = type.subscriptions.type();
  std::optional<std::set<std::string>> names;
  if (!type.subscriptions.wildcard()) {
    names = type.subscriptions.Missing();
    if (names->empty()) return;
  }
  services_.store->Find(
      options_.name, resource_type.type_url(), std::move(names),
      [compiler = compiler_, &resource_type,
       weak = std::weak_ptr<StreamSource*>(self_)](const std::vector<SavedResource>& saved) -> ConfigThread::Then {
        if (saved.empty()) return nullptr;
        auto response = std::make_shared<CompiledResponse>(compiler->CompileSaved(saved, resource_type));
        return [weak, response] {
          if (const auto self = weak.lock(); self != nullptr) (*self)->OnSavedCompiled(*response);
        };
      });
}

void StreamSource::OnSavedCompiled(const CompiledResponse& response) {
  Type* type = FindType(response.type_url);
  if (stopped_ || type == nullptr || type->answered || !use_saved_) return;
  ReportWarnings(response, services_);
  type->subscriptions.ApplySaved(response);
}

}  // namespace nuncio::xds
