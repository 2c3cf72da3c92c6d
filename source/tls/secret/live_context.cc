#include "source/tls/secret/live_context.h"

#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"
#include "source/telemetry/secret_stats.h"

namespace nuncio::tls {

LiveContextBase::LiveContextBase(std::string label, telemetry::ScopeName owner, std::string_view factory,
                                 const SecretServices& services)
    : services_(services),
      label_(std::move(label)),
      owner_(owner),
      scope_(services.stats.GetScope(owner.Add(factory))) {
  scope_->Declare<telemetry::SslSocketFactoryStats>();
}

void LiveContextBase::WhenReady(std::weak_ptr<void> guard, std::function<void()> then) {
  if (ready_) {
    then();
  } else {
    waiting_.emplace_back(std::move(guard), std::move(then));
  }
}

ContextSecrets LiveContextBase::Come() const {
  ContextSecrets out;
  for (const auto& secret : secrets_) {
    if (secret->value() != nullptr) out.push_back(secret->value());
  }
  return out;
}

void LiveContextBase::Use(std::vector<std::shared_ptr<LiveSecret>> secrets) {
  secrets_ = std::move(secrets);
  for (const auto& secret : secrets_) secret->AddUser(*this);
}

void LiveContextBase::Leave() {
  for (const auto& secret : secrets_) secret->RemoveUser(*this);
  secrets_.clear();
}

bool LiveContextBase::AllReady(bool& complete) const {
  complete = true;
  for (const auto& secret : secrets_) {
    if (!secret->ready()) return false;
    complete = complete && secret->value() != nullptr;
  }
  return true;
}

void LiveContextBase::BecomeReady() {
  if (ready_) return;
  ready_ = true;
  auto waiting = std::exchange(waiting_, {});
  for (auto& [guard, then] : waiting) {
    if (auto alive = guard.lock(); alive != nullptr) then();
  }
}

void LiveContextBase::SetInForce(const TlsConfig& config, ContextSecrets secrets) {
  in_force_ = std::move(secrets);
  std::vector<telemetry::ScopePtr> scopes;
  const std::vector<const SecretUse*> uses = config.uses();
  for (size_t i = 0; i < in_force_.size(); ++i) {
    const std::optional<SystemTime> expires = in_force_[i]->expires();
    if (!expires.has_value()) continue;
    scopes.push_back(services_.stats.GetScope(telemetry::CertificateScopeName(owner_, uses[i]->stat_name())));
    scopes.back()
        ->Get<telemetry::CertificateStats>(telemetry::kMainSlot)
        .expiration_unix_time_seconds.Set(
            std::chrono::floor<std::chrono::seconds>(expires->time_since_epoch()).count());
  }
  certificate_scopes_ = std::move(scopes);
}

void LiveContextBase::Refused(const absl::Status& status) {
  scope_->Get<telemetry::SslSocketFactoryStats>(telemetry::kMainSlot).ssl_context_update_failed.Inc();
  NUNCIO_LOG(kConfig, kError, "tls: ", label_, ": its secrets make no context; what was good before stays: ",
             ToStd(status.message()));
}

template <typename Config>
LiveContext<Config>::LiveContext(const SecretServices& services, const std::vector<event::EventLoop*>& threads,
                                 std::string label, telemetry::ScopeName owner, std::string_view factory,
                                 std::shared_ptr<const Config> config)
    : LiveContextBase(std::move(label), std::move(owner), factory, services),
      threads_(threads),
      config_(std::move(config)) {
  for (size_t i = 0; i < threads_.size(); ++i) cells_.push_back(std::make_shared<ContextCell<Context>>());
}

template <typename Config>
LiveContext<Config>::~LiveContext() = default;

template <typename Config>
void LiveContext<Config>::Start(std::vector<std::shared_ptr<LiveSecret>> secrets, std::shared_ptr<KeyLogSink> sink) {
  Use(std::move(secrets));
  sink_ = std::move(sink);
  if (config_->ready == nullptr) return OnSecret();
  // No thread has a cell yet.
  current_ = config_->ready;
  for (const auto& cell : cells_) cell->context = current_;
  SetInForce(*config_, Come());
  BecomeReady();
}

template <typename Config>
void LiveContext<Config>::OnSecret() {
  bool complete = false;
  if (!AllReady(complete)) return;
  if (!complete) return BecomeReady();
  if (building_) {
    again_ = true;
  } else {
    Build();
  }
}

template <typename Config>
void LiveContext<Config>::Build() {
  building_ = true;
  services_.run([config = config_, secrets = Come(), sink = sink_,
                 weak = this->weak_from_this()]() -> std::function<void()> {
    auto context = BuildContext(*config, secrets, sink);
    return [weak, context = std::move(context), secrets] {
      if (const auto self = weak.lock(); self != nullptr) self->OnBuilt(context, secrets);
    };
  });
}

template <typename Config>
void LiveContext<Config>::OnBuilt(const absl::StatusOr<std::shared_ptr<const Context>>& context,
                                  const ContextSecrets& secrets) {
  building_ = false;
  if (context.ok()) {
    SetInForce(*config_, secrets);
    Publish(*context);
  } else {
    Refused(context.status());
  }
  BecomeReady();
  if (std::exchange(again_, false)) OnSecret();
}

template <typename Config>
void LiveContext<Config>::Publish(std::shared_ptr<const Context> context) {
  current_ = std::move(context);
  scope_->Get<telemetry::SslSocketFactoryStats>(telemetry::kMainSlot).ssl_context_update_by_sds.Inc();
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (threads_[i] == &services_.loop) {
      cells_[i]->context = current_;
      continue;
    }
    // The one before goes home: a large one is not freed where requests are served.
    threads_[i]->Post([cell = cells_[i], context = current_, &home = services_.loop] {
      home.Post([old = std::exchange(cell->context, context)] {});
    });
  }
}

template class LiveContext<DownstreamTlsConfig>;
template class LiveContext<UpstreamTlsConfig>;

}  // namespace nuncio::tls
