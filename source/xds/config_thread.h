#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "source/event/event_loop.h"

namespace nuncio::xds {

// The thread on which configuration is parsed, checked and compiled and files are read and written, so that main's loop
// never waits for any of it. One job at a time, in the order given; what a job returns runs on main, in that order too.
class ConfigThread {
 public:
  // To be run on main when the job is done; may be empty.
  using Then = std::function<void()>;

  // `home`: main's loop. Outlives this object.
  explicit ConfigThread(event::EventLoop& home);
  ConfigThread(const ConfigThread&) = delete;
  ConfigThread& operator=(const ConfigThread&) = delete;
  ~ConfigThread() { Stop(); }

  // Main thread. `job` must not touch what belongs to main. After Stop it is dropped.
  void Run(std::function<Then()> job);
  // Does the jobs given so far and ends the thread. What they return is still posted.
  void Stop();
  // Blocks until there is no job left; for tests. What the jobs returned runs with main's next turn.
  void WaitIdle();

 private:
  void Loop();

  event::EventLoop& home_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::deque<std::function<Then()>> jobs_;
  bool busy_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace nuncio::xds
