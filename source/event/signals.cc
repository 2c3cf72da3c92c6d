#include "source/event/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace nuncio::event {

SignalWatcher::SignalWatcher(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> on_signal)
    : loop_(loop), on_signal_(std::move(on_signal)) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ >= 0) loop_.RegisterReadOnly(fd_, *this, /*level=*/true);
}

SignalWatcher::~SignalWatcher() {
  if (fd_ < 0) return;
  loop_.Unregister(fd_, *this);
  close(fd_);
}

void SignalWatcher::OnFdEvents(uint32_t) {
  signalfd_siginfo info;
  while (read(fd_, &info, sizeof(info)) == sizeof(info)) on_signal_(static_cast<int>(info.ssi_signo));
}

}  // namespace nuncio::event
