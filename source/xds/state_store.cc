#include "source/xds/state_store.h"

#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"
#include "source/xds/state_file.h"

namespace nuncio::xds {

// What is kept. Configuration thread.
class StateStore::State {
 public:
  // By source and type URL.
  using Key = KeptTypes::key_type;

  explicit State(std::string directory) : file_(std::move(directory)) {}

  void Load();
  std::vector<SavedResource> Find(const Key& key, const std::optional<std::set<std::string>>& names);
  void Take(const Key& key, const InForceChange& change);
  void Erase(const Key& key, const std::set<std::string, std::less<>>& names);
  // What changed since the last time; `claimed_only`: without what nobody asked for.
  void Save(bool claimed_only);

 private:
  // `before`: the version of the type's answer before this one.
  void Put(KeptType& type, const std::optional<std::string>& before, const InForceChange::Resource& resource);

  const StateFile file_;
  KeptTypes types_;
  // Since the last save.
  bool changed_ = false;
};

void StateStore::State::Load() {
  auto types = file_.Read();
  if (types.ok()) {
    types_ = *std::move(types);
  } else {
    NUNCIO_LOG(kConfig, kWarning, "state directory: ", ToStd(types.status().message()), "; going on without it");
  }
}

std::vector<SavedResource> StateStore::State::Find(const Key& key, const std::optional<std::set<std::string>>& names) {
  std::vector<SavedResource> out;
  const auto found = types_.find(key);
  if (found == types_.end()) return out;
  KeptType& type = found->second;
  for (auto& [name, resource] : type.resources) {
    if (names.has_value() && !names->contains(name)) continue;
    resource.claimed = true;
    out.push_back({name, type.VersionOf(resource), resource.bytes});
  }
  return out;
}

void StateStore::State::Take(const Key& key, const InForceChange& change) {
  KeptType& type = types_[key];
  const std::optional<std::string> before = std::exchange(type.version, change.version);
  if (before.has_value() && *before != change.version) changed_ = true;
  if (change.complete) {
    std::set<std::string_view> names;
    for (const auto& resource : change.in_force) names.insert(resource.name);
    if (std::erase_if(type.resources, [&](const auto& entry) { return !names.contains(entry.first); }) > 0) {
      changed_ = true;
    }
  }
  for (const std::string& name : change.gone) {
    if (type.resources.erase(name) > 0) changed_ = true;
  }
  for (const auto& resource : change.in_force) Put(type, before, resource);
}

void StateStore::State::Put(KeptType& type, const std::optional<std::string>& before,
                            const InForceChange::Resource& resource) {
  const auto [at, is_new] = type.resources.try_emplace(resource.name);
  KeptResource& kept = at->second;
  const std::string& version = resource.own_version ? *resource.own_version : *type.version;
  const auto same = [&] {
    return (kept.own_version ? *kept.own_version : *before) == version &&
           (kept.bytes == resource.bytes || *kept.bytes == *resource.bytes);
  };
  if (is_new || !same()) changed_ = true;
  kept = {resource.own_version, resource.bytes, /*claimed=*/true};
}

void StateStore::State::Erase(const Key& key, const std::set<std::string, std::less<>>& names) {
  const auto found = types_.find(key);
  if (found == types_.end()) return;
  for (const std::string& name : names) {
    if (found->second.resources.erase(name) > 0) changed_ = true;
  }
}

void StateStore::State::Save(bool claimed_only) {
  if (!std::exchange(changed_, false)) return;
  if (claimed_only) {
    for (auto& [key, type] : types_) {
      std::erase_if(type.resources, [](const auto& entry) { return !entry.second.claimed; });
    }
  }
  if (const absl::Status status = file_.Write(types_); !status.ok()) {
    NUNCIO_LOG(kConfig, kWarning, "state directory: ", ToStd(status.message()));
  }
}

StateStore::StateStore(std::string directory, event::EventLoop& loop, ConfigThread& thread)
    : loop_(loop),
      thread_(thread),
      started_(loop.now()),
      state_(std::make_shared<State>(std::move(directory))),
      save_(loop, Delegate<void()>::Bind<&StateStore::Save>(this)) {
  thread_.Run([state = state_]() -> ConfigThread::Then {
    state->Load();
    return nullptr;
  });
}

StateStore::~StateStore() {
  if (save_.armed()) Save();
}

void StateStore::Find(std::string source, std::string_view type_url, std::optional<std::set<std::string>> names,
                      Use use) {
  thread_.Run([state = state_, key = State::Key(std::move(source), type_url), names = std::move(names),
               use = std::move(use)] { return use(state->Find(key, names)); });
}

void StateStore::Take(std::string source, std::string_view type_url, InForceChange change) {
  Change([key = State::Key(std::move(source), type_url), change = std::move(change)](State& state) {
    state.Take(key, change);
  });
}

void StateStore::Erase(std::string source, std::string_view type_url, std::set<std::string, std::less<>> names) {
  Change([key = State::Key(std::move(source), type_url), names = std::move(names)](State& state) {
    state.Erase(key, names);
  });
}

void StateStore::Change(std::function<void(State&)> change) {
  thread_.Run([state = state_, change = std::move(change)]() -> ConfigThread::Then {
    change(*state);
    return nullptr;
  });
  if (!save_.armed()) save_.Arm(kSaveDelay);
}

void StateStore::Save() {
  save_.Disarm();
  const bool claimed_only = loop_.now() - started_ > kClaimTime;
  thread_.Run([state = state_, claimed_only]() -> ConfigThread::Then {
    state->Save(claimed_only);
    return nullptr;
  });
}

}  // namespace nuncio::xds
