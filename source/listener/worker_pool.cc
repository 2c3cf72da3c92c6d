#include "source/listener/worker_pool.h"

#include <unistd.h>

#include <utility>

namespace nuncio::listener {

WorkerPool::WorkerPool(uint32_t count, Worker::Options options, const std::vector<int>& cpus) {
  options.peers = this;
  for (uint32_t i = 0; i < count; ++i) {
    options.index = i;
    options.cpu = cpus.empty() ? -1 : cpus[i % cpus.size()];
    workers_.push_back(std::make_unique<Worker>(options));
  }
}

void WorkerPool::Start() {
  for (auto& worker : workers_) worker->Start();
}

void WorkerPool::Stop() {
  for (auto& worker : workers_) worker->Stop();
}

void WorkerPool::Post(size_t index, std::function<void(Worker&)> closure) {
  Worker* worker = workers_[index].get();
  worker->Post([worker, closure = std::move(closure)] { closure(*worker); });
}

void WorkerPool::PostToAll(const std::function<void(Worker&)>& closure) {
  for (size_t i = 0; i < workers_.size(); ++i) Post(i, closure);
}

void WorkerPool::HandOver(size_t worker, const std::string& listener, filter::AcceptedConnection connection,
                          std::shared_ptr<ConnectionBalance> balance) {
  const int fd = connection.fd;
  const bool posted = workers_[worker]->Post(
      [to = workers_[worker].get(), listener, connection = std::move(connection),
       balance = std::move(balance)]() mutable { to->AdoptConnection(listener, std::move(connection), *balance); });
  // All workers are stopping; nobody looks at limit and balance any more.
  if (!posted) close(fd);
}

uint64_t WorkerPool::connections() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connections();
  return sum;
}

}  // namespace nuncio::listener
