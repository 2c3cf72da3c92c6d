#include "source/listener/pending_connection.h"

#include <unistd.h>

#include <utility>

namespace nuncio::listener {

PendingConnection::PendingConnection(event::EventLoop& loop, std::shared_ptr<const ListenerFilters> filters, size_t at,
                                     filter::AcceptedConnection connection, telemetry::ListenerStats& stats,
                                     Owner& owner)
    : loop_(loop),
      filters_(std::move(filters)),
      stats_(stats),
      owner_(owner),
      at_(at),
      connection_(std::move(connection)),
      timer_(loop, Delegate<void()>::Bind<&PendingConnection::OnTimeout>(this)) {
  stats_.downstream_pre_cx_active.Inc();
}

PendingConnection::~PendingConnection() { Close(); }

bool PendingConnection::Start() {
  if (loop_.Register(connection_.fd, *this) != 0) return false;
  const Duration timeout = filters_->config().listener_filters_timeout;
  if (timeout > Duration::zero()) timer_.Arm(timeout);
  return true;
}

filter::AcceptedConnection PendingConnection::Take() {
  loop_.Unregister(connection_.fd, *this);
  timer_.Disarm();
  stats_.downstream_pre_cx_active.Dec();
  filter::AcceptedConnection out = std::move(connection_);
  connection_.fd = -1;
  return out;
}

void PendingConnection::Close() {
  if (connection_.fd < 0) return;
  close(Take().fd);
}

void PendingConnection::OnFdEvents(uint32_t events) {
  const bool peer_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  switch (filters_->Run(connection_, &at_, peer_ended)) {
    case ListenerFilters::Progress::kDone:
      return owner_.OnFiltered(*this);
    case ListenerFilters::Progress::kWaiting:
      return;
    case ListenerFilters::Progress::kClose:
      return owner_.OnDropped(*this);
  }
}

void PendingConnection::OnTimeout() {
  stats_.downstream_pre_cx_timeout.Inc();
  if (filters_->config().continue_on_listener_filters_timeout) {
    owner_.OnFiltered(*this);
  } else {
    owner_.OnDropped(*this);
  }
}

}  // namespace nuncio::listener
