#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "source/event/event_loop.h"
#include "source/base/slab_pool.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_services.h"
#include "source/listener/worker_listener.h"
#include "source/upstream/worker_clusters.h"

namespace nuncio::listener {

// A thread with its loop and everything that runs on it. The constructor, Start, Stop and Post are main's; the rest
// belongs to the worker's thread.
class Worker {
 public:
  struct Options {
    uint32_t index = 0;
    const Clock* clock = &Clock::Real();
    telemetry::StatsStore* stats = nullptr;
    ConnectionLimit* connection_limit = nullptr;
    WorkerPeers* peers = nullptr;
    ObjectHome* home = nullptr;
    const proxy::LocalNode* node = nullptr;
    access_log::LogWriter* logs = nullptr;
    // Processor to run on; negative: the kernel's choice.
    int cpu = -1;
  };
  explicit Worker(const Options& options);
  ~Worker();

  void Start();
  // Closes everything, ends the thread and waits for it.
  void Stop();
  bool Post(std::function<void()> closure) { return loop_.Post(std::move(closure)); }

  event::EventLoop& loop() { return loop_; }
  upstream::WorkerClusters& clusters() { return clusters_; }
  upstream::WorkerServices& services() { return services_; }
  ObjectHome& home() { return home_; }

  void ApplyListener(ListenerUpdate update, const DrainPlan& plan);
  void RemoveListener(const std::string& name, const DrainPlan& plan);
  // See WorkerPeers.
  void AdoptConnection(const std::string& listener, filter::AcceptedConnection connection, ConnectionBalance& balance);
  // All listeners let go of their sockets, or of those that `inbound_only` names.
  void StopListening(bool inbound_only);
  // Of all listeners, or of those that `inbound_only` names.
  void DrainConnections(const DrainPlan& plan, bool inbound_only);
  // Of all listeners, later ones too, but for those that ignore it.
  void SetHealthFailing(bool failing);

  // Brings connections() up to date.
  void CountConnections();

  // Any thread. Downstream connections as of the last CountConnections.
  uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void OnSweep();
  void TrimSoon();
  void OnTrim();
  // The one of that name that counts by `balance`: one that is removed too, as long as it drains. Null: none.
  WorkerListener* FindListener(const std::string& name, const ConnectionBalance& balance);

  const uint32_t index_;
  const int cpu_;
  ObjectHome& home_;
  ConnectionLimit& connection_limit_;
  WorkerPeers& peers_;
  // The loop destroys the last of them.
  SlabPool downstream_connections_{sizeof(proxy::DownstreamConnection)};
  event::EventLoop loop_;
  buffer::SlicePool slices_;
  ArenaBlockPool arena_blocks_;
  Random random_;
  http::DateText date_;
  access_log::WorkerLog log_;
  ObjectPool<proxy::Stream> streams_;
  upstream::WorkerServices upstream_services_;
  upstream::WorkerClusters clusters_;
  proxy::WorkerServices services_;
  event::Timer sweep_;
  event::Timer trim_;
  std::map<std::string, std::unique_ptr<WorkerListener>> listeners_;
  // Removed, waiting for their connections.
  std::vector<std::unique_ptr<WorkerListener>> draining_;
  bool health_failing_ = false;
  std::atomic<uint64_t> connections_{0};
  std::thread thread_;
};

}  // namespace nuncio::listener
