#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/listener/worker.h"

namespace nuncio::listener {

// The workers, as main sees them.
class WorkerPool final : private WorkerPeers {
 public:
  // `cpus`: processors to pin to, one per worker in turn; empty: none.
  WorkerPool(uint32_t count, Worker::Options options, const std::vector<int>& cpus);

  size_t size() const { return workers_.size(); }
  Worker& at(size_t index) { return *workers_[index]; }
  void Start();
  void Stop();

  // Runs `closure` on one worker, or a copy of it on each. A worker that has not started runs it when it does.
  void Post(size_t index, std::function<void(Worker&)> closure);
  void PostToAll(const std::function<void(Worker&)>& closure);

  uint64_t connections() const;

 private:
  void HandOver(size_t worker, const std::string& listener, filter::AcceptedConnection connection,
                std::shared_ptr<ConnectionBalance> balance) override;

  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace nuncio::listener
