#include "tools/benchmark/native/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <algorithm>

#include "tools/benchmark/native/load/http1_client.h"
#include "tools/benchmark/native/load/http2_client.h"
#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// So many connections are being made at a time, which no listen queue is too short for.
constexpr size_t kConnectingAtOnce = 64;
constexpr int64_t kConnectPatience = 30 * kSecond;
constexpr int64_t kHeldAtOnce = 8;
constexpr int64_t kLockStepPatience = 30 * kSecond;
// For answers to what was under way at the end.
constexpr int64_t kDrainPatience = 2 * kSecond;

int64_t FromSeconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

}  // namespace

Load::Load(const Options& options) : options_(options) {
  if (options_.tls) tls_ = MakeTlsContext(protocol());
  static Http1Requests requests(options_);
  for (int i = 0; i < options_.connections; ++i) {
    if (options_.http2) {
      clients_.push_back(std::make_unique<Http2Client>(*this));
    } else {
      clients_.push_back(std::make_unique<Http1Client>(*this, requests));
    }
  }
}

void Load::Run() {
  // The kernel may be late by as much with every timer.
  prctl(PR_SET_TIMERSLACK, 1);
  ConnectAll();
  if (options_.hold) return Hold();
  if (options_.requests > 0) return RunInLockStep();
  WarmUp();
  if (AwaitStart()) Measure();
}

void Load::ConnectAll() {
  const size_t slots_each = options_.http2 ? options_.streams : 1;
  const int64_t end = Now() + kConnectPatience;
  size_t opened = 0;
  while (free_.size() < clients_.size() * slots_each) {
    const size_t allowed = free_.size() / slots_each + kConnectingAtOnce;
    while (opened < std::min(allowed, clients_.size())) clients_[opened++]->Open();
    if (Now() > end) {
      fprintf(stderr, "load: %zu of %zu connections were made within 30 seconds\n", free_.size() / slots_each,
              clients_.size());
      exit(1);
    }
    poller_.Wait(kSecond / 10);
  }
}

void Load::Hold() {
  const int64_t end = Now() + kConnectPatience;
  std::deque<Slot> unused;
  for (unused.swap(free_); !unused.empty() && Now() < end; poller_.Wait(kSecond / 10)) {
    // Few at a time, so that the proxy's pools stay small: what is measured are the connections.
    for (; !unused.empty() && under_way_ < kHeldAtOnce; unused.pop_front()) StartNow(unused.front().client);
  }
  Drain(end);
  printf("held %zu\n", free_.size());
  fflush(stdout);
  getchar();
}

void Load::RunInLockStep() {
  measuring_ = true;
  if (options_.warmup_requests > 0) {
    StepUntil(options_.warmup_requests);
    if (!AwaitStart()) return;
    answers_ = 0;
    latencies_ = {};
  }
  const int64_t begin = Now();
  StepUntil(options_.requests);
  Report(begin);
}

void Load::StepUntil(uint64_t answers) {
  while (answers_ < answers && failures_ == 0 && under_way_ == 0) {
    StartAll();
    Drain(Now() + kLockStepPatience);
  }
}

bool Load::AwaitStart() {
  printf("ready\n");
  fflush(stdout);
  return getchar() != EOF;
}

void Load::WarmUp() {
  running_ = true;
  StartAll();
  const int64_t end = Now() + FromSeconds(options_.warmup_seconds);
  for (int64_t now = Now(); now < end; now = Now()) poller_.Wait(end - now);
  running_ = false;
  Drain(Now() + kDrainPatience);
  failures_ = 0;
}

void Load::Measure() {
  measuring_ = running_ = true;
  open_loop_ = options_.rate > 0;
  const int64_t begin = Now();
  const int64_t end = begin + FromSeconds(options_.seconds);
  next_due_ = static_cast<double>(begin);
  if (!open_loop_) StartAll();
  for (int64_t now = begin; now < end; now = Now()) {
    const int64_t wake = open_loop_ ? std::min(end, StartDue(now)) : end;
    poller_.Wait(std::max<int64_t>(0, wake - Now()));
  }
  // What was due is still to be answered.
  running_ = open_loop_;
  Drain(end + kDrainPatience);
  Report(begin);
}

void Load::StartNow(Client* client) {
  ++under_way_;
  client->Start(Now());
  client->Flush();
}

void Load::StartAll() {
  // HTTP/2 sends the requests of all slots of a connection at once.
  std::vector<Client*> started;
  // Not those that become free meanwhile.
  for (size_t count = free_.size(); count > 0; --count) {
    Client* client = TakeSlot();
    if (client == nullptr) break;
    ++under_way_;
    client->Start(Now());
    started.push_back(client);
  }
  for (Client* client : started) client->Flush();
}

int64_t Load::StartDue(int64_t now) {
  for (; next_due_ <= static_cast<double>(now); next_due_ += 1e9 / options_.rate) {
    const int64_t due = static_cast<int64_t>(next_due_);
    Client* client = TakeSlot();
    if (client == nullptr) {
      late_.push_back(due);
      continue;
    }
    ++under_way_;
    client->Start(due);
    client->Flush();
  }
  return static_cast<int64_t>(next_due_);
}

Client* Load::TakeSlot() {
  while (!free_.empty()) {
    const Slot slot = free_.front();
    free_.pop_front();
    if (slot.generation == slot.client->generation()) return slot.client;
  }
  return nullptr;
}

void Load::Drain(int64_t until) {
  for (int64_t now = Now(); now < until && (under_way_ > 0 || (running_ && !late_.empty())); now = Now()) {
    poller_.Wait(until - now);
  }
}

void Load::OnSlot(Client* client) {
  if (running_ && open_loop_ && !late_.empty()) {
    ++under_way_;
    client->Start(late_.front());
    late_.pop_front();
  } else if (running_ && !open_loop_) {
    ++under_way_;
    client->Start(Now());
  } else {
    free_.push_back({client, client->generation()});
  }
}

void Load::OnAnswer(int64_t due) {
  --under_way_;
  if (!measuring_) return;
  ++answers_;
  last_answer_ = Now();
  latencies_.Add(last_answer_ - due);
}

void Load::OnFailure() {
  --under_way_;
  ++failures_;
}

void Load::Report(int64_t begin) {
  // A stall at the end is not forgiven either.
  for (const int64_t due : late_) latencies_.Add(Now() - due);
  const int64_t unanswered = under_way_ + static_cast<int64_t>(late_.size());
  const auto microseconds = [&](double share) { return static_cast<double>(latencies_.Quantile(share)) / 1e3; };
  printf("{\"requests\": %llu, \"failed\": %llu, \"unanswered\": %lld, \"seconds\": %.6f, "
         "\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}\n",
         static_cast<unsigned long long>(answers_), static_cast<unsigned long long>(failures_),
         static_cast<long long>(unanswered), static_cast<double>(std::max<int64_t>(last_answer_ - begin, 1)) / 1e9,
         microseconds(0.5), microseconds(0.99), microseconds(0.999), microseconds(1));
  fflush(stdout);
}

}  // namespace nuncio::benchmark
