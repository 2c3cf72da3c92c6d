#include "source/listener/worker.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/base/logging.h"

namespace nuncio::listener {
namespace {

// How often removed listeners are looked at, while there are any.
constexpr Duration kSweep = std::chrono::milliseconds(100);
// How long memory has to be free before it goes back to the system.
constexpr Duration kTrimInterval = std::chrono::milliseconds(250);
// Numbers of connections and streams: the worker in the top 16 bits.
constexpr int kIdShift = 48;

}  // namespace

Worker::Worker(const Options& options)
    : index_(options.index),
      cpu_(options.cpu),
      home_(*options.home),
      connection_limit_(*options.connection_limit),
      peers_(*options.peers),
      loop_(*options.clock),
      log_(*options.logs, loop_, telemetry::WorkerSlot(options.index)),
      upstream_services_{loop_, slices_, arena_blocks_, random_, telemetry::WorkerSlot(options.index)},
      clusters_(upstream_services_, *options.home),
      services_{upstream_services_, date_, log_, clusters_, *options.stats, *options.node, streams_,
                downstream_connections_, clusters_.http2_pools(),
                Delegate<void()>::Bind<&Worker::TrimSoon>(this), uint64_t{options.index} << kIdShift},
      sweep_(loop_, Delegate<void()>::Bind<&Worker::OnSweep>(this)),
      trim_(loop_, Delegate<void()>::Bind<&Worker::OnTrim>(this)) {}

Worker::~Worker() { Stop(); }

void Worker::Start() { thread_ = std::thread([this] { Run(); }); }

void Worker::Stop() {
  if (!thread_.joinable()) return;
  loop_.Post([this] {
    for (auto& [name, listener] : listeners_) listener->CloseAll();
    for (auto& listener : draining_) listener->CloseAll();
    loop_.Exit();
  });
  loop_.StopAccepting();
  thread_.join();
}

void Worker::Run() {
  pthread_setname_np(pthread_self(), StrCat("worker_", index_).c_str());
  if (cpu_ >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu_, &set);
    if (const int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set); error != 0) {
      NUNCIO_LOG(kMain, kWarning, ErrnoStatus(error, StrCat("worker ", index_, ": pinning to CPU ", cpu_)).message());
    }
  }
  loop_.Run();
  // What the thread made without atomics is let go of by the thread.
  listeners_.clear();
  draining_.clear();
  loop_.RunOnce();
  clusters_.Clear();
  loop_.RunOnce();
  log_.Flush();
}

void Worker::ApplyListener(ListenerUpdate update, const DrainPlan& plan) {
  std::unique_ptr<WorkerListener>& listener = listeners_[update.config->name];
  if (listener == nullptr) {
    listener = std::make_unique<WorkerListener>(services_, connection_limit_, home_, peers_, index_,
                                                update.config->stat_prefix);
  }
  listener->Apply(std::move(update), plan);
  if (health_failing_) listener->SetHealthFailing(true);
}

void Worker::RemoveListener(const std::string& name, const DrainPlan& plan) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end()) return;
  found->second->Remove(plan);
  draining_.push_back(std::move(found->second));
  listeners_.erase(found);
  sweep_.Arm(kSweep);
}

WorkerListener* Worker::FindListener(const std::string& name, const ConnectionBalance& balance) {
  // After a removal there may be another of the same name, which knows nothing of the connections of this one.
  const auto found = listeners_.find(name);
  if (found != listeners_.end() && found->second->counts_by(balance)) return found->second.get();
  const auto removed = std::find_if(draining_.begin(), draining_.end(), [&](const auto& listener) {
    return listener->counts_by(balance) && !listener->over();
  });
  return removed == draining_.end() ? nullptr : removed->get();
}

void Worker::AdoptConnection(const std::string& listener, filter::AcceptedConnection connection,
                             ConnectionBalance& balance) {
  if (WorkerListener* const found = FindListener(listener, balance); found != nullptr) {
    found->Adopt(std::move(connection));
    return;
  }
  balance.OnClosed(index_);
  connection_limit_.Return();
  close(connection.fd);
}

void Worker::StopListening(bool inbound_only) {
  for (auto& [name, listener] : listeners_) {
    if (inbound_only && listener->config().direction != ListenerConfig::Direction::kInbound) continue;
    listener->StopListening();
  }
}

void Worker::DrainConnections(const DrainPlan& plan, bool inbound_only) {
  for (auto& [name, listener] : listeners_) {
    if (inbound_only && listener->config().direction != ListenerConfig::Direction::kInbound) continue;
    listener->DrainConnections(plan);
  }
}

void Worker::SetHealthFailing(bool failing) {
  health_failing_ = failing;
  for (auto& [name, listener] : listeners_) listener->SetHealthFailing(failing);
}

void Worker::OnSweep() {
  // After their connections, which are to be deleted too.
  for (auto& listener : draining_) {
    if (listener->finished()) loop_.DeferDelete(std::move(listener));
  }
  std::erase(draining_, nullptr);
  if (!draining_.empty()) sweep_.Arm(kSweep);
}

void Worker::TrimSoon() {
  if (!trim_.armed()) trim_.Arm(kTrimInterval);
}

void Worker::OnTrim() {
  // Each of them, so no short circuit.
  bool again = downstream_connections_.Trim();
  again |= slices_.Trim();
  again |= arena_blocks_.Trim();
  again |= streams_.Trim();
  again |= services_.http2.client_streams.Trim();
  again |= services_.http2.server_streams.Trim();
  if (again) trim_.Arm(kTrimInterval);
}

void Worker::CountConnections() {
  uint64_t sum = 0;
  for (const auto& [name, listener] : listeners_) sum += listener->connections();
  for (const auto& listener : draining_) sum += listener->connections();
  connections_.store(sum, std::memory_order_relaxed);
}

}  // namespace nuncio::listener
