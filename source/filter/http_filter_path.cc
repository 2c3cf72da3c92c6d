#include "source/filter/http_filter_path.h"

#include <utility>

#include "source/filter/http_filter_chain.h"

namespace nuncio::filter {
namespace {

// What differs between the directions.
template <typename Direction>
struct Calls;

template <>
struct Calls<RequestDirection> {
  static size_t Index(size_t at, size_t /*size*/) { return at; }
  static WaitingMessage<http::RequestHead>& Waiting(HttpFilterSlot& slot) { return slot.request; }
  static BodyWish Wish(const HttpFilter& filter) { return filter.request_body(); }
  static FilterVerdict OnHead(HttpFilter& filter, http::RequestHead& head, bool end) {
    return filter.OnRequestHead(head, end);
  }
  static FilterVerdict OnData(HttpFilter& filter, buffer::Buffer& data, bool end) {
    return filter.OnRequestData(data, end);
  }
  static FilterVerdict OnTrailers(HttpFilter& filter, http::HeaderMap& trailers, buffer::Buffer& data) {
    return filter.OnRequestTrailers(trailers, data);
  }
  static void Out(HttpFilterEnds& ends, http::RequestHead& head, bool end) { ends.OnFilteredRequestHead(head, end); }
  static void Out(HttpFilterEnds& ends, buffer::Buffer& data, bool end) { ends.OnFilteredRequestData(data, end); }
  static void Out(HttpFilterEnds& ends, http::HeaderMap& trailers) { ends.OnFilteredRequestTrailers(trailers); }
  static void Pause(HttpFilterEnds& ends, bool pause) { ends.PauseRequest(pause); }
  static void TooLarge(HttpFilterEnds& ends) { ends.OnRequestTooLarge(); }
};

template <>
struct Calls<ResponseDirection> {
  static size_t Index(size_t at, size_t size) { return size - 1 - at; }
  static WaitingMessage<http::ResponseHead>& Waiting(HttpFilterSlot& slot) { return slot.response; }
  static BodyWish Wish(const HttpFilter& filter) { return filter.response_body(); }
  static FilterVerdict OnHead(HttpFilter& filter, http::ResponseHead& head, bool end) {
    return filter.OnResponseHead(head, end);
  }
  static FilterVerdict OnData(HttpFilter& filter, buffer::Buffer& data, bool end) {
    return filter.OnResponseData(data, end);
  }
  static FilterVerdict OnTrailers(HttpFilter& filter, http::HeaderMap& trailers, buffer::Buffer& data) {
    return filter.OnResponseTrailers(trailers, data);
  }
  static void Out(HttpFilterEnds& ends, http::ResponseHead& head, bool end) { ends.OnFilteredResponseHead(head, end); }
  static void Out(HttpFilterEnds& ends, buffer::Buffer& data, bool end) { ends.OnFilteredResponseData(data, end); }
  static void Out(HttpFilterEnds& ends, http::HeaderMap& trailers) { ends.OnFilteredResponseTrailers(trailers); }
  static void Pause(HttpFilterEnds& ends, bool pause) { ends.PauseResponse(pause); }
  static void TooLarge(HttpFilterEnds& ends) { ends.OnResponseTooLarge(); }
};

}  // namespace

template <typename Direction>
HttpFilterSlot& HttpFilterPath<Direction>::SlotAt(size_t at) const {
  return slots_[Calls<Direction>::Index(at, size_)];
}

template <typename Direction>
WaitingMessage<typename Direction::Head>& HttpFilterPath<Direction>::WaitingAt(size_t at) const {
  return Calls<Direction>::Waiting(SlotAt(at));
}

template <typename Direction>
void HttpFilterPath<Direction>::OnHead(Head& head, bool end_stream) {
  begun_ = true;
  GiveHead(0, head, end_stream);
}

template <typename Direction>
void HttpFilterPath<Direction>::OnData(buffer::Buffer& data, bool end_stream) {
  GiveData(0, data, end_stream);
}

template <typename Direction>
void HttpFilterPath<Direction>::OnTrailers(http::HeaderMap& trailers) {
  GiveTrailers(0, trailers);
}

template <typename Direction>
void HttpFilterPath<Direction>::GiveHead(size_t at, Head& head, bool end_stream) {
  if (closed_) return;
  for (; at < size_; ++at) {
    HttpFilter& filter = *SlotAt(at).filter;
    const FilterVerdict verdict = Calls<Direction>::OnHead(filter, head, end_stream);
    if (closed_) return;
    if (!end_stream && Calls<Direction>::Wish(filter) == BodyWish::kChange) {
      head.headers.Remove(http::HeaderId::kContentLength);
    }
    if (verdict == FilterVerdict::kContinue) continue;
    WaitingMessage<Head>& waiting = WaitingAt(at);
    waiting.head = &head;
    waiting.head_ends = end_stream;
    waiting.stopped = verdict == FilterVerdict::kStop || end_stream;
    return;
  }
  Calls<Direction>::Out(ends_, head, end_stream);
}

template <typename Direction>
void HttpFilterPath<Direction>::GiveData(size_t at, buffer::Buffer& data, bool end_stream) {
  if (closed_) return;
  for (; at < size_; ++at) {
    HttpFilter& filter = *SlotAt(at).filter;
    WaitingMessage<Head>& waiting = WaitingAt(at);
    if (waiting.stopped) {
      waiting.ends = end_stream;
      Hold(waiting, data);
      return;
    }
    if (Calls<Direction>::Wish(filter) == BodyWish::kNone && waiting.head == nullptr) continue;
    const FilterVerdict verdict = Calls<Direction>::OnData(filter, data, end_stream);
    if (closed_) return;
    if (verdict == FilterVerdict::kContinue) {
      if (!ReleaseHead(at)) return;
      if (!waiting.data.empty()) {
        buffer::Buffer gathered(pool_);
        Take(waiting, gathered, waiting.data.length());
        gathered.MoveFrom(data);
        data = std::move(gathered);
      }
      continue;
    }
    waiting.shown = waiting.data.length() + data.length();
    waiting.ends = waiting.end_shown = end_stream;
    waiting.stopped = verdict == FilterVerdict::kStop || end_stream;
    Hold(waiting, data);
    return;
  }
  if (!data.empty() || end_stream) Calls<Direction>::Out(ends_, data, end_stream);
}

template <typename Direction>
void HttpFilterPath<Direction>::GiveTrailers(size_t at, http::HeaderMap& trailers) {
  if (closed_) return;
  for (; at < size_; ++at) {
    WaitingMessage<Head>& waiting = WaitingAt(at);
    if (waiting.stopped) {
      waiting.trailers = &trailers;
      return;
    }
    buffer::Buffer data(pool_);
    const bool had_fields = !trailers.empty();
    const FilterVerdict verdict = Calls<Direction>::OnTrailers(*SlotAt(at).filter, trailers, data);
    if (closed_) return;
    const bool dropped = had_fields && trailers.empty();
    if (verdict != FilterVerdict::kContinue) {
      waiting.shown = waiting.data.length() + data.length();
      waiting.stopped = true;
      waiting.ends = waiting.end_shown = dropped;
      if (!dropped) waiting.trailers = &trailers;
      waiting.trailers_shown = true;
      Hold(waiting, data);
      return;
    }
    if (!ReleaseHead(at)) return;
    buffer::Buffer before(pool_);
    Take(waiting, before, waiting.data.length());
    before.MoveFrom(data);
    if (!before.empty() || dropped) GiveData(at + 1, before, dropped);
    if (closed_ || dropped) return;
  }
  Calls<Direction>::Out(ends_, trailers);
}

template <typename Direction>
bool HttpFilterPath<Direction>::ReleaseHead(size_t at) {
  WaitingMessage<Head>& waiting = WaitingAt(at);
  Head* head = std::exchange(waiting.head, nullptr);
  if (head != nullptr) GiveHead(at + 1, *head, waiting.head_ends);
  return !closed_;
}

template <typename Direction>
void HttpFilterPath<Direction>::Resume(const HttpFilterSlot& slot) {
  const size_t at = Calls<Direction>::Index(static_cast<size_t>(&slot - slots_), size_);
  WaitingMessage<Head>& waiting = WaitingAt(at);
  if (closed_) return;
  waiting.stopped = false;
  if (!ReleaseHead(at)) return;
  // Taken out before any of it moves: the filter may stop again on what it is shown now.
  buffer::Buffer shown(pool_);
  buffer::Buffer rest(pool_);
  Take(waiting, shown, std::exchange(waiting.shown, 0));
  Take(waiting, rest, waiting.data.length());
  const bool ends = std::exchange(waiting.ends, false);
  const bool end_shown = std::exchange(waiting.end_shown, false);
  http::HeaderMap* const trailers = std::exchange(waiting.trailers, nullptr);
  const bool trailers_shown = std::exchange(waiting.trailers_shown, false);
  if (!shown.empty() || end_shown) GiveData(at + 1, shown, end_shown);
  if (!rest.empty() || (ends && !end_shown)) GiveData(at, rest, ends);
  if (trailers != nullptr) GiveTrailers(trailers_shown ? at + 1 : at, *trailers);
}

template <typename Direction>
bool HttpFilterPath<Direction>::WantsBody() const {
  for (size_t i = 0; i < size_; ++i) {
    if (Calls<Direction>::Wish(*slots_[i].filter) != BodyWish::kNone) return true;
  }
  return false;
}

template <typename Direction>
void HttpFilterPath<Direction>::Close() {
  closed_ = true;
  for (size_t i = 0; i < size_; ++i) Calls<Direction>::Waiting(slots_[i]).data.Clear();
  waiting_bytes_ = 0;
  Pause(false);
}

template <typename Direction>
void HttpFilterPath<Direction>::Hold(WaitingMessage<Head>& waiting, buffer::Buffer& data) {
  waiting_bytes_ += data.length();
  waiting.data.MoveFrom(data);
  CheckLimit(waiting);
}

template <typename Direction>
void HttpFilterPath<Direction>::Take(WaitingMessage<Head>& waiting, buffer::Buffer& to, size_t size) {
  waiting_bytes_ -= size;
  to.MoveFrom(waiting.data, size);
  if (waiting_bytes_ <= limit_ / 2) Pause(false);
}

template <typename Direction>
void HttpFilterPath<Direction>::CheckLimit(const WaitingMessage<Head>& waiting) {
  if (limit_ == 0) return;
  if (!waiting.stopped && waiting.data.length() > limit_) {
    Calls<Direction>::TooLarge(ends_);
  } else if (waiting_bytes_ > limit_) {
    Pause(true);
  }
}

template <typename Direction>
void HttpFilterPath<Direction>::Pause(bool pause) {
  if (pause == paused_) return;
  paused_ = pause;
  Calls<Direction>::Pause(ends_, pause);
}

template class HttpFilterPath<RequestDirection>;
template class HttpFilterPath<ResponseDirection>;

}  // namespace nuncio::filter
