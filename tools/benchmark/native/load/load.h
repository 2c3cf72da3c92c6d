#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tools/benchmark/native/load/client.h"
#include "tools/benchmark/native/load/histogram.h"
#include "tools/benchmark/native/load/options.h"
#include "tools/benchmark/native/poller.h"

namespace nuncio::benchmark {

// A run of the load: connects, warms up, waits for a line on standard input after it printed "ready", measures, lets
// what is under way come to its end, and prints a line of JSON. CPU time of the proxy is read in that pause and after
// the last line, so that it holds the measured requests and nothing else. Options name two other kinds of run.
class Load {
 public:
  explicit Load(const Options& options);
  void Run();

  // For clients. A slot is free: takes a request now or later.
  void OnSlot(Client* client);
  void OnAnswer(int64_t due);
  void OnFailure();
  void Watch(int fd, Client* client) { poller_.Add(fd, client); }

  const Options& options() const { return options_; }
  SSL_CTX* tls() const { return tls_; }
  const char* protocol() const { return options_.http2 ? "h2" : "http/1.1"; }

 private:
  struct Slot {
    Client* client;
    uint32_t generation;
  };

  void ConnectAll();
  void Hold();
  void RunInLockStep();
  void StepUntil(uint64_t answers);
  // Says that it is ready, and waits. False: it is not to start.
  bool AwaitStart();
  void WarmUp();
  void Measure();
  void StartNow(Client* client);
  // Every free slot takes a request.
  void StartAll();
  // Starts what is due by now; returns when the next one is.
  int64_t StartDue(int64_t now);
  // The slot that is free for longest; null: none.
  Client* TakeSlot();
  // Until nothing is under way or the time has come.
  void Drain(int64_t until);
  void Report(int64_t begin);

  const Options options_;
  Poller poller_;
  SSL_CTX* tls_ = nullptr;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Slot> free_;

  // Whether a free slot takes its next request at once.
  bool running_ = false;
  bool open_loop_ = false;
  bool measuring_ = false;
  // Of the open loop: what has been due without a free slot, and when the next request is due.
  std::deque<int64_t> late_;
  double next_due_ = 0;

  int64_t under_way_ = 0;
  int64_t last_answer_ = 0;
  uint64_t answers_ = 0;
  uint64_t failures_ = 0;
  Histogram latencies_;
};

}  // namespace nuncio::benchmark
