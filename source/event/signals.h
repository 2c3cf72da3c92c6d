#pragma once

#include <functional>
#include <initializer_list>

#include "absl/status/status.h"
#include "source/event/event_loop.h"

namespace nuncio::event {

// Delivers signals as events of a loop (signalfd). Must be made before other threads start: it blocks the signals in
// the calling thread, and threads inherit that.
class SignalWatcher : public FdHandler {
 public:
  // `on_signal` runs on the loop with the signal's number.
  SignalWatcher(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> on_signal);
  ~SignalWatcher();

  void OnFdEvents(uint32_t events) override;

 private:
  EventLoop& loop_;
  std::function<void(int)> on_signal_;
  int fd_;
};

}  // namespace nuncio::event
