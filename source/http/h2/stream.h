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
  // The last of the body was handed over, or the trailers; END_STREAM has left for the peer; it came from the peer.
  bool end_queued() const { return end_queued_; }
  bool end_sent() const { return end_sent_; }
  bool end_received() const { return end_received_; }
  // Body bytes that wait for the peer's window.
  size_t outbound_bytes() const { return outbound_.length(); }

 protected:
  // The body that the head announced; for content-length.
  void ExpectBody(uint64_t bytes) { expected_ = bytes; }
  // Whether the message may end with what has arrived.
  bool BodyComplete() const { return expected_ == kAnyLength || received_ == expected_; }
  // What still comes of the message is dropped, a block that is arriving too: what it is gathered in may go now.
  void DiscardInput() {
    discard_ = true;
    block_ = nullptr;
  }
  bool discards_input() const { return discard_; }
  // Its request is to end with its answer.
  bool overdue() const { return overdue_; }

 private:
  friend class Session;
  static constexpr uint64_t kAnyLength = UINT64_MAX;

  // Where the fields of the block that begins are to go; null: they are dropped.
  virtual HeaderMap* OnHeadersBegin() = 0;
  // Empty, or the fault.
  virtual std::string_view OnPseudoHeader(std::string_view name, std::string_view value) = 0;
  // May find the message malformed, and say so by Session::FailMalformed.
  virtual void OnHeadersEnd(bool end_stream) = 0;
  // In place of OnHeadersEnd: the block has exceeded a limit, not all of it was kept.
  virtual void OnHeaderOverflow(std::string_view details) = 0;
  // What the callee leaves in `data` is dropped.
  virtual void OnData(buffer::Buffer& data, bool end_stream) = 0;
  // END_STREAM has left for the peer.
  virtual void OnEndSent() = 0;
  // The stream is over before its time; already retired.
  virtual void OnReset(StreamReset reset, std::string_view details) = 0;
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;

  int32_t id_ = 0;
  bool retired_ = false;

  buffer::Buffer outbound_;
  HeaderBlock trailers_ = {nullptr, 0};
  bool end_queued_ = false;
  bool end_sent_ = false;
  bool head_sent_ = false;  // A block of HEADERS has left.
  bool answered_ = false;   // A server's: the final head was handed over.
  bool overdue_ = false;    // See Session::EndAnswered.
  bool above_high_ = false;
  bool progress_ = true;  // Since Session::ExpireFlushes looked last.
  bool unattended_ = false;

  HeaderMap* block_ = nullptr;  // Of the header block now arriving.
  std::string_view overflow_;   // Details, once the block has exceeded a limit.
  bool regular_seen_ = false;   // In the block, a field that is no pseudo-header.
  bool discard_ = false;
  bool end_received_ = false;
  uint64_t expected_ = kAnyLength;
  uint64_t received_ = 0;
  uint32_t pauses_ = 0;
  size_t withheld_ = 0;  // Bytes received while paused, not yet credited to the peer.
};

}  // namespace nuncio::http::h2
