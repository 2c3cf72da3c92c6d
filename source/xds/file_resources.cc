#include "source/xds/file_resources.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::xds {

struct FileResources::Type {
  Type(const SourceServices& services, const config::ResourceType& resource_type, TypeSubscriptions::Owner& owner)
      : subscriptions(services.loop, services.stats, resource_type, owner) {}

  TypeSubscriptions subscriptions;
  bool interest_changed = true;
  // To be read at the end of the turn, or, where it is being read, once more after that.
  bool due = true;
  bool reading = false;
};

FileResources::FileResources(const SourceServices& services, config::FileSource file)
    : services_(services),
      file_(std::move(file)),
      compiler_(std::make_shared<ResponseCompiler>(services.unknown_fields)),
      end_of_turn_(Delegate<void()>::Bind<&FileResources::OnEndOfTurn>(this)),
      watch_(services.loop, file_.path, file_.watched_directory,
             Delegate<void()>::Bind<&FileResources::OnFileChanged>(this)),
      self_(std::make_shared<FileResources*>(this)) {}

FileResources::~FileResources() = default;

void FileResources::Stop() { stopped_ = true; }

std::unique_ptr<config::Subscription> FileResources::Subscribe(const config::ConfigSource& source,
                                                               const config::ResourceType& type,
                                                               config::ResourceNames names,
                                                               config::ResourceWatcher& watcher) {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const auto& each) { return &each->subscriptions.type() == &type; });
  TypeSubscriptions::Owner& owner = *this;
  Type& entry =
      found != types_.end() ? **found : *types_.emplace_back(std::make_unique<Type>(services_, type, owner));
  return entry.subscriptions.Add(source.initial_fetch_timeout, std::move(names), watcher);
}

bool FileResources::idle() const {
  return std::all_of(types_.begin(), types_.end(), [](const auto& type) { return type->subscriptions.empty(); });
}

void FileResources::AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const {
  for (const auto& type : types_) {
    if (type->subscriptions.type().type_url() != type_url) continue;
    for (ResourceStatus& status : type->subscriptions.Statuses()) out.push_back(std::move(status));
  }
}

void FileResources::OnInterestChanged(TypeSubscriptions& subscriptions) {
  for (const auto& type : types_) type->interest_changed |= &type->subscriptions == &subscriptions;
  services_.loop.AtEndOfTurn(end_of_turn_);
}

void FileResources::OnFileChanged() {
  for (const auto& type : types_) type->due = true;
  services_.loop.AtEndOfTurn(end_of_turn_);
}

void FileResources::OnEndOfTurn() {
  if (stopped_) return;
  for (size_t i = 0; i < types_.size(); ++i) {
    Type& type = *types_[i];
    if (std::exchange(type.interest_changed, false)) OnNewInterest(type);
    if (type.subscriptions.empty()) continue;
    if (type.due && !type.reading) Read(type);
  }
}

void FileResources::OnNewInterest(Type& type) {
  // Names that nobody had asked for were passed over when the file was read.
  if (!type.subscriptions.TakeNameChanges().came.empty() || type.subscriptions.empty()) type.due = true;
}

void FileResources::Read(Type& type) {
  type.due = false;
  type.reading = true;
  type.subscriptions.Tell(config::SubscriptionEvent::Kind::kAsked);
  services_.thread.Run([compiler = compiler_, path = file_.path, &resource_type = type.subscriptions.type(), &type,
                        weak = std::weak_ptr<FileResources*>(self_)]() -> ConfigThread::Then {
    auto response = std::make_shared<CompiledResponse>(compiler->CompileFile(path, resource_type));
    compiler->Keep(response);
    // `type` lives as long as its owner.
    return [weak, &type, response] {
      if (const auto self = weak.lock(); self != nullptr) (*self)->OnRead(type, *response);
    };
  });
}

void FileResources::OnRead(Type& type, const CompiledResponse& response) {
  type.reading = false;
  if (type.due) services_.loop.AtEndOfTurn(end_of_turn_);
  if (stopped_ || type.subscriptions.empty()) return;
  ReportWarnings(response, services_);
  if (!response.faults.empty()) {
    NUNCIO_LOG(kConfig, kWarning, "the file with ", ShortTypeName(response.type_url),
               "s has faults; what was good before stays:\n", response.faults.ToString(file_.path));
    type.subscriptions.Tell(config::SubscriptionEvent::Kind::kFailed);
    type.subscriptions.FailFirst(config::FetchFailure::kNoSource, response.faults.ToString(file_.path));
    return;
  }
  const std::string faults = type.subscriptions.Apply(response);
  services_.memory.OnCompiled(response.compiled_bytes);
  if (faults.empty()) {
    NUNCIO_LOG(kConfig, kInfo, file_.path, ": ", ShortTypeName(response.type_url), "s version ",
               config::Quote(response.version), " taken");
  } else {
    NUNCIO_LOG(kConfig, kWarning, file_.path, ": refused in part; what was good before stays:\n", faults);
  }
}

}  // namespace nuncio::xds
