#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/xds/source.h"
#include "source/xds/type_subscriptions.h"

namespace nuncio::xds {

// Where a source is configured that cannot be: tells every subscription so. Main thread.
class NoSource final : public Source, private TypeSubscriptions::Owner {
 public:
  // `reason` follows the name of what is missing in the log.
  NoSource(const SourceServices& services, std::string reason)
      : services_(services), reason_(std::move(reason)), tell_(Delegate<void()>::Bind<&NoSource::Tell>(this)) {}

  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource&, const config::ResourceType& type,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override {
    TypeSubscriptions::Owner& owner = *this;
    TypeSubscriptions* found = nullptr;
    for (const auto& each : types_) {
      if (&each->type() == &type) found = each.get();
    }
    if (found == nullptr) {
      found =
          types_.emplace_back(std::make_unique<TypeSubscriptions>(services_.loop, services_.stats, type, owner)).get();
    }
    return found->Add(std::chrono::nanoseconds(0), std::move(names), watcher);
  }
  bool idle() const override {
    for (const auto& type : types_) {
      if (!type->empty()) return false;
    }
    return true;
  }
  void AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const override {
    for (const auto& type : types_) {
      if (type->type().type_url() != type_url) continue;
      for (ResourceStatus& status : type->Statuses()) out.push_back(std::move(status));
    }
  }
  void Stop() override { tell_.Cancel(); }

 private:
  void OnInterestChanged(TypeSubscriptions&) override { services_.loop.NextTurn(tell_); }
  void Tell() {
    for (size_t i = 0; i < types_.size(); ++i) types_[i]->FailFirst(config::FetchFailure::kNoSource, reason_);
  }

  const SourceServices& services_;
  const std::string reason_;
  std::vector<std::unique_ptr<TypeSubscriptions>> types_;
  event::TurnTask tell_;
};

}  // namespace nuncio::xds
