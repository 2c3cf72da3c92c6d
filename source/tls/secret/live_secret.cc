#include "source/tls/secret/live_secret.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"
#include "source/telemetry/secret_stats.h"
#include "source/telemetry/xds_stats.h"

namespace nuncio::tls {
namespace {

bool SameBytes(const Secret& a, const Secret& b) {
  std::vector<const SecretPart*> of_a = a.files();
  std::vector<const SecretPart*> of_b = b.files();
  return std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(),
                    [](const SecretPart* x, const SecretPart* y) { return x->bytes == y->bytes; });
}

}  // namespace

LiveSecret::LiveSecret(const SecretServices& services, std::string label, telemetry::ScopePtr scope,
                       std::shared_ptr<const Secret> secret)
    : services_(services),
      label_(std::move(label)),
      name_(secret->name),
      kind_(secret->kind()),
      scope_(std::move(scope)),
      value_(std::move(secret)),
      updated_at_(services.loop.clock().System()),
      settle_(services.loop, Delegate<void()>::Bind<&LiveSecret::OnSettled>(this)) {
  scope_->Declare<telemetry::KeyRotationStats>();
}

LiveSecret::LiveSecret(const SecretServices& services, std::string name, SecretKind kind, telemetry::ScopePtr scope)
    : services_(services),
      label_(StrCat("secret ", config::Quote(name))),
      name_(std::move(name)),
      kind_(kind),
      scope_(std::move(scope)),
      waiting_(true),
      settle_(services.loop, Delegate<void()>::Bind<&LiveSecret::OnSettled>(this)) {
  scope_->Declare<telemetry::KeyRotationStats>();
}

LiveSecret::~LiveSecret() = default;

void LiveSecret::Start(const config::ConfigSource& source) {
  if (services_.subscriptions == nullptr) {
    waiting_ = false;
    return;
  }
  subscription_ =
      services_.subscriptions->Subscribe(source, services_.type, config::ResourceNames::Only({name_}), *this);
}

void LiveSecret::Watch() { WatchFiles(); }

void LiveSecret::OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) {
  for (const config::DecodedResource& resource : update.added_or_changed) {
    if (resource.name != name_) continue;
    if (const SecretKind kind = resource.As<Secret>()->kind(); kind != kind_) {
      config::Faults faults;
      faults.Add(StrCat("is a ", NameOf(kind), ", and a ", NameOf(kind_), " is needed by that name"));
      result.Refuse(name_, std::move(faults));
      StopWaiting();
      continue;
    }
    resource_ = resource;
    NUNCIO_LOG(kConfig, kInfo, "sds: ", label_, " is now version ", config::Quote(resource.version));
    Take(resource.As<Secret>());
  }
}

void LiveSecret::OnFirstFetchFailed(config::FetchFailure, std::string_view reason) {
  NUNCIO_LOG(kConfig, kWarning, "sds: ", label_, ": ", reason,
             "; connections that need it are closed until it comes");
  StopWaiting();
}

void LiveSecret::OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) {
  config::RecordEvents(events, scope_->Get<telemetry::SubscriptionStats>(telemetry::kMainSlot));
}

void LiveSecret::Take(std::shared_ptr<const Secret> secret) {
  waiting_ = false;
  value_ = std::move(secret);
  updated_at_ = services_.loop.clock().System();
  WatchFiles();
  TellUsers();
}

void LiveSecret::StopWaiting() {
  if (!std::exchange(waiting_, false)) return;
  TellUsers();
}

void LiveSecret::TellUsers() {
  // A user may leave, or others come, when told.
  const std::vector<User*> users = users_;
  for (User* user : users) {
    if (std::find(users_.begin(), users_.end(), user) != users_.end()) user->OnSecret();
  }
}

void LiveSecret::WatchFiles() {
  watches_.clear();
  const std::vector<const SecretPart*> files = value_->files();
  const auto watch = [this](const std::string& path) {
    watches_.push_back(std::make_unique<event::FileWatch>(services_.loop, path, value_->watched_directory,
                                                          Delegate<void()>::Bind<&LiveSecret::OnFileChanged>(this)));
  };
  if (value_->watched_directory.empty()) {
    for (const SecretPart* part : files) watch(part->path);
  } else if (!files.empty()) {
    watch(value_->watched_directory);
  }
  // What changed after it was read and before it was watched is told by nobody.
  const bool missed = std::any_of(files.begin(), files.end(), [](const SecretPart* part) {
    return !(config::StateOfFile(part->path) == part->state);
  });
  if (missed) settle_.Arm(kSettle);
}

void LiveSecret::OnSettled() {
  services_.run([from = value_, now = services_.loop.clock().System(),
                 weak = weak_from_this()]() -> std::function<void()> {
    auto faults = std::make_shared<config::Faults>();
    std::shared_ptr<const Secret> fresh = ReadAgain(*from, now, *faults);
    return [weak, from, fresh, faults] {
      if (const auto self = weak.lock(); self != nullptr) self->OnRead(from, fresh, *faults);
    };
  });
}

void LiveSecret::OnRead(const std::shared_ptr<const Secret>& from, std::shared_ptr<const Secret> fresh,
                        const config::Faults& faults) {
  // Another version came meanwhile, whose files are read on their own.
  if (from != value_) return;
  if (fresh == nullptr) {
    scope_->Get<telemetry::KeyRotationStats>(telemetry::kMainSlot).key_rotation_failed.Inc();
    NUNCIO_LOG(kConfig, kError, "tls: ", label_, ": its files changed and were refused; what was good before stays: ",
               faults.ToString());
    return;
  }
  if (SameBytes(*fresh, *value_)) return;
  NUNCIO_LOG(kConfig, kInfo, "tls: ", label_, ": its files changed and were taken");
  Take(std::move(fresh));
}

}  // namespace nuncio::tls
