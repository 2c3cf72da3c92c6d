#pragma once

#include <cstddef>
#include <memory>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/filter/accepted_connection.h"
#include "source/listener/listener_filters.h"

namespace nuncio::listener {

// A connection whose first bytes the listener filters wait for. Owns the descriptor until it is done. Worker thread.
class PendingConnection final : public event::FdHandler,
                                public event::DeferredDeletable,
                                public ListNode<PendingConnection> {
 public:
  class Owner {
   public:
    // The filters are done, or `pending` timed out and goes on all the same. The owner takes the connection out.
    virtual void OnFiltered(PendingConnection& pending) = 0;
    // It is to be closed; why was counted.
    virtual void OnDropped(PendingConnection& pending) = 0;

   protected:
    ~Owner() = default;
  };

  // `at`: which filter waits.
  PendingConnection(event::EventLoop& loop, std::shared_ptr<const ListenerFilters> filters, size_t at,
                    filter::AcceptedConnection connection, telemetry::ListenerStats& stats, Owner& owner);
  ~PendingConnection() override;

  // False: the kernel refuses to watch the descriptor.
  bool Start();
  // The descriptor is the caller's from now on.
  filter::AcceptedConnection Take();
  void Close();

  void OnFdEvents(uint32_t events) override;

 private:
  void OnTimeout();

  event::EventLoop& loop_;
  const std::shared_ptr<const ListenerFilters> filters_;
  telemetry::ListenerStats& stats_;
  Owner& owner_;
  size_t at_;
  filter::AcceptedConnection connection_;
  event::Timer timer_;
};

}  // namespace nuncio::listener
