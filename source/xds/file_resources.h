#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_source.h"
#include "source/event/file_watch.h"
#include "source/xds/source.h"
#include "source/xds/type_subscriptions.h"

namespace nuncio::xds {

// A file with a DiscoveryResponse, read again whenever it changes. A file with faults in its form changes nothing; a
// resource with faults keeps its last good version. Main thread.
class FileResources final : public Source, private TypeSubscriptions::Owner {
 public:
  FileResources(const SourceServices& services, config::FileSource file);
  ~FileResources() override;

  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource& source, const config::ResourceType& type,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override;
  bool idle() const override;
  void AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const override;
  void Stop() override;

 private:
  struct Type;

  // TypeSubscriptions::Owner
  void OnInterestChanged(TypeSubscriptions& type) override;

  void OnFileChanged();
  void OnEndOfTurn();
  void OnNewInterest(Type& type);
  void Read(Type& type);
  void OnRead(Type& type, const CompiledResponse& response);

  const SourceServices services_;
  const config::FileSource file_;
  const std::shared_ptr<ResponseCompiler> compiler_;
  std::vector<std::unique_ptr<Type>> types_;
  event::TurnTask end_of_turn_;
  event::FileWatch watch_;
  bool stopped_ = false;
  // Gone with this object: jobs on the configuration thread hold it weakly.
  std::shared_ptr<FileResources*> self_;
};

}  // namespace nuncio::xds
