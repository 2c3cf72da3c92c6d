#include "source/listener/listener_filters.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "source/extensions/registry.h"
#include "source/net/socket_options.h"

namespace nuncio::listener {
namespace {

ssize_t Receive(int fd, char* into, size_t size, int flags) {
  ssize_t n;
  do {
    n = recv(fd, into, size, flags);
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

ListenerFilters::ListenerFilters(std::shared_ptr<const ListenerConfig> config, proxy::WorkerServices& services,
                                 telemetry::ListenerStats& stats)
    : config_(std::move(config)), stats_(stats) {
  for (const ListenerFilterEntry& entry : config_->listener_filters) {
    filters_.push_back({extensions::MakeListenerFilter(entry.config, services), &entry.disabled});
  }
}

ListenerFilters::Progress ListenerFilters::Run(filter::AcceptedConnection& connection, size_t* at,
                                               bool peer_ended) const {
  char bytes[filter::ListenerFilter::kMaxBytes];
  size_t there = 0;
  bool looked = false;
  for (; *at < filters_.size(); ++*at) {
    const Entry& entry = filters_[*at];
    if (entry.disabled->has_value() && (*entry.disabled)->Matches(connection)) continue;
    const size_t wanted = entry.filter->max_bytes();
    if (wanted > 0 && (!looked || there < wanted)) {
      const ssize_t n = Receive(connection.fd, bytes, std::min(wanted, sizeof(bytes)), MSG_PEEK);
      if (n == 0 || (n < 0 && errno == EAGAIN && peer_ended)) {
        stats_.downstream_listener_filter_remote_close.Inc();
        return Progress::kClose;
      }
      if (n < 0 && errno == EAGAIN) return Progress::kWaiting;
      if (n < 0) {
        stats_.downstream_listener_filter_error.Inc();
        return Progress::kClose;
      }
      there = static_cast<size_t>(n);
      looked = true;
    }
    const filter::ListenerFilterOutcome outcome =
        entry.filter->Inspect({bytes, std::min(there, wanted)}, connection);
    if (outcome.verdict == filter::ListenerFilterVerdict::kReject) return Progress::kClose;
    if (outcome.verdict == filter::ListenerFilterVerdict::kNeedMore) {
      if (there >= wanted) {
        stats_.downstream_listener_filter_error.Inc();
        return Progress::kClose;
      }
      if (!peer_ended) return Progress::kWaiting;
      stats_.downstream_listener_filter_remote_close.Inc();
      return Progress::kClose;
    }
    if (outcome.consumed > 0) {
      // They are there: this takes them all.
      Receive(connection.fd, bytes, outcome.consumed, 0);
      looked = false;
      there = 0;
    }
  }
  return Progress::kDone;
}

}  // namespace nuncio::listener
