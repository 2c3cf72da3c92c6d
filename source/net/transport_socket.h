#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/net/security_info.h"

namespace nuncio::net {

// What stands between a Connection and its descriptor where bytes do not go over the wire as they are. A connection
// without one reads and writes the descriptor itself. Belongs to one connection and its loop's thread; never calls
// back.
class TransportSocket {
 public:
  enum class State : uint8_t {
    kDone,     // Read: bytes may have come. Write: all went to the kernel. Handshake: it is over.
    kBlocked,  // The kernel has nothing, or takes nothing, for now: go on after its next event.
    kEnd,      // Read: the peer sends no more, by its own word or by FIN.
    kFailed,   // Nothing more can be done; see failure().
  };
  struct Result {
    State state = State::kDone;
    // The kernel had no more than what was read: no further call before its next event, unless its end is announced.
    bool drained = false;
    // There is output of the transport's own to be written, as an answer to what was read.
    bool output = false;
    // errno, for kFailed; 0 where the peer broke the protocol.
    int error = 0;
    size_t bytes = 0;       // Of the owner's data, moved to or from its buffer.
    size_t wire_bytes = 0;  // Read from the kernel.
  };

  virtual ~TransportSocket() = default;

  // Once, before all else; a client's descriptor is connected by then. The connection owns it.
  virtual void Attach(int fd, event::EventLoop& loop, buffer::SlicePool& pool) = 0;
  // Goes on with the handshake until kDone, kFailed (what there is to tell the peer was sent) or kBlocked; the latter
  // with `output` where the kernel did not take all. To be called first after Attach by clients, at the first bytes by
  // servers.
  virtual Result Handshake() = 0;
  // Reads about `size` bytes in one system call, or what is left of an earlier one in none, and appends the owner's
  // part of it to `into`. kDone without bytes is possible. An end comes in a call of its own, after the bytes before
  // it.
  virtual Result Read(buffer::Buffer& into, size_t size) = 0;
  // Takes bytes from `from` and sends them, with `end` followed by the word that no more will come. What was taken but
  // not yet sent shows in output_length(), and is bounded. After `end` was done once, nothing more is written.
  virtual Result Write(buffer::Buffer& from, bool end) = 0;
  // Bytes of output that wait for the kernel. None after kFailed.
  virtual size_t output_length() const = 0;
  // The descriptor is about to be closed with everything written: tells the peer so if this takes no waiting.
  virtual void BeforeClose() = 0;

  // Null before the end of the handshake and where there is nothing to know. Whoever needs it longer than the
  // connection lives keeps a reference.
  virtual const std::shared_ptr<const SecurityInfo>& security() const = 0;
  // Why the handshake or the connection failed, for logs; empty where it did not.
  virtual std::string_view failure() const = 0;
};

}  // namespace nuncio::net
