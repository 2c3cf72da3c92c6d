#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/header_block.h"

namespace nuncio::http::h2 {

struct OpenStreams;
struct TouchedStreams;

// What both roles keep of a stream: its number, the body that waits to be sent, the credit that a paused reader holds
// back. A role derives from it and hears of what arrives. Changed by its Session alone.
class Stream : public ListNode<OpenStreams>, public ListNode<TouchedStreams> {
 public:
  explicit Stream(buffer::SlicePool& pool) : outbound_(pool) {}
  virtual ~Stream() = default;

  // 0 until the stream has begun.
  int32_t id() const { return id_; }
  // Over for the role; only its memory is still there, until the turn ends. Nothing it does has an effect.
  bool retired() const { return retired_; }
  // END_STREAM has left for the peer.
  bool end_sent() const { return end_sent_; }
  // Body bytes that wait for the peer's window.
  size_t outbound_bytes() const { return outbound_.length(); }

 private:
  friend class Session;

  // Where the fields of the block that begins are to go; never null.
  virtual HeaderMap* OnHeadersBegin() = 0;
  virtual void OnPseudoHeader(std::string_view name, std::string_view value) = 0;
  virtual void OnHeadersEnd(bool end_stream) = 0;
  // What the callee leaves in `data` is dropped.
  virtual void OnData(buffer::Buffer& data, bool end_stream) = 0;
  // The stream is over before its time; already retired.
  virtual void OnReset(StreamReset reset, std::string_view details) = 0;
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;

  int32_t id_ = 0;
  bool retired_ = false;

  buffer::Buffer outbound_;
  HeaderBlock trailers_ = {nullptr, 0};
  bool end_queued_ = false;  // The last of `outbound_`, or `trailers_` after it, ends the stream.
  bool end_sent_ = false;
  bool above_high_ = false;

  HeaderMap* block_ = nullptr;  // Of the header block now arriving.
  bool end_received_ = false;
  uint32_t pauses_ = 0;
  size_t withheld_ = 0;  // Bytes received while paused, not yet credited to the peer.
};

}  // namespace nuncio::http::h2
