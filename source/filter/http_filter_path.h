#pragma once

#include <cstddef>
#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/filter/http_filter.h"
#include "source/http/message.h"

namespace nuncio::filter {

struct HttpFilterSlot;

// What became of a message behind its last filter; the exchange that a chain belongs to. A fake in tests.
class HttpFilterEnds;

// What waits at one filter in one direction.
template <typename Head>
struct WaitingMessage {
  explicit WaitingMessage(buffer::SlicePool& pool) : data(pool) {}

  Head* head = nullptr;
  bool head_ends = false;
  buffer::Buffer data;
  // So many bytes of `data`, from the front, the filter was shown already.
  size_t shown = 0;
  // The message ends with `data`; and the filter knows.
  bool ends = false;
  bool end_shown = false;
  http::HeaderMap* trailers = nullptr;
  bool trailers_shown = false;
  // The filter is shown nothing until it resumes.
  bool stopped = false;
};

// A message on its way through the filters, in one direction; `Direction` says which. Part of the chain.
template <typename Direction>
class HttpFilterPath {
 public:
  using Head = typename Direction::Head;

  HttpFilterPath(HttpFilterEnds& ends, HttpFilterSlot* slots, buffer::SlicePool& pool, uint32_t limit)
      : ends_(ends), slots_(slots), pool_(pool), limit_(limit) {}

  void set_size(size_t size) { size_ = size; }
  // Most bytes that may wait at a filter; 0: no limit.
  void set_limit(uint32_t limit) { limit_ = limit; }

  void OnHead(Head& head, bool end_stream);
  void OnData(buffer::Buffer& data, bool end_stream);
  void OnTrailers(http::HeaderMap& trailers);
  // The filter of this slot lets go what waits.
  void Resume(const HttpFilterSlot& slot);
  // Nothing more goes through; what waits is dropped.
  void Close();

  // A filter is to be shown the body, or to change it.
  bool WantsBody() const;
  bool begun() const { return begun_; }
  bool closed() const { return closed_; }

 private:
  // `at` is a place on the way: 0 is the filter that sees the message first, size_ is behind the last.
  HttpFilterSlot& SlotAt(size_t at) const;
  WaitingMessage<Head>& WaitingAt(size_t at) const;
  void GiveHead(size_t at, Head& head, bool end_stream);
  void GiveData(size_t at, buffer::Buffer& data, bool end_stream);
  void GiveTrailers(size_t at, http::HeaderMap& trailers);
  // Sends on the head that waits at `at`. False where nothing may follow.
  bool ReleaseHead(size_t at);
  void Hold(WaitingMessage<Head>& waiting, buffer::Buffer& data);
  void Take(WaitingMessage<Head>& waiting, buffer::Buffer& to, size_t size);
  // What waits grew at a filter that gathers, or at one that stopped.
  void CheckLimit(const WaitingMessage<Head>& waiting);
  void Pause(bool pause);

  HttpFilterEnds& ends_;
  HttpFilterSlot* const slots_;
  buffer::SlicePool& pool_;
  size_t size_ = 0;
  uint32_t limit_;
  // Sum over the slots.
  size_t waiting_bytes_ = 0;
  bool begun_ = false;
  bool closed_ = false;
  bool paused_ = false;
};

}  // namespace nuncio::filter
