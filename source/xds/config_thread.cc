#include "source/xds/config_thread.h"

#include <pthread.h>

#include <utility>

namespace nuncio::xds {

ConfigThread::ConfigThread(event::EventLoop& home) : home_(home), thread_([this] { Loop(); }) {
  pthread_setname_np(thread_.native_handle(), "config");
}

void ConfigThread::Run(std::function<Then()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void ConfigThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ConfigThread::WaitIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !busy_; });
}

void ConfigThread::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    Then then = job();
    // What the job captured goes before others are told that it is done.
    job = nullptr;
    if (then) home_.Post(std::move(then));
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace nuncio::xds
