#pragma once

#include "source/base/clock.h"
#include "source/base/delegate.h"
#include "source/config/config_source.h"
#include "source/event/event_loop.h"

namespace nuncio::xds {

// How often a source may send requests: a token bucket, full at the start, from which each request takes one. Main
// thread.
class RequestLimit final {
 public:
  // `again`: called once there is a token, where Take found none.
  RequestLimit(event::EventLoop& loop, const config::GrpcSource::RateLimit& limit, Delegate<void()> again)
      : loop_(loop), limit_(limit), tokens_(limit.max_tokens), at_(loop.now()), again_(loop, again) {}

  // Whether a request may be sent.
  bool Take();
  // Nobody waits for a token any longer.
  void Cancel() { again_.Disarm(); }

 private:
  event::EventLoop& loop_;
  const config::GrpcSource::RateLimit limit_;
  // At `at_`.
  double tokens_;
  MonotonicTime at_;
  event::Timer again_;
};

}  // namespace nuncio::xds
