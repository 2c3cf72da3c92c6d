#pragma once

#include <cstdint>

#include "source/http/codec.h"

namespace nuncio::upstream {

// What an HttpConnection leaves to the protocol that it turned out to speak: the client codec, and what only this one
// protocol knows of its connections. Made when the connection is there.
class CodecSession {
 public:
  virtual ~CodecSession() = default;

  http::ClientCodec& codec() { return codec_; }
  // How many streams it carries at once.
  virtual uint32_t max_streams() const = 0;
  // The host has yet to say how many, and until then it carries one.
  virtual bool learning() const { return false; }
  // The connection was made and nobody waits for a stream.
  virtual void OnConnectedUnused() {}
  // Right before a stream is opened, and whenever bytes arrived.
  virtual void BeforeStream() {}
  virtual void OnBytes() {}
  // Input while no stream is open. False: that is not allowed, and the connection is to be closed.
  virtual bool AllowsInputWhileIdle() const = 0;
  virtual void CountForbiddenInput() {}
  virtual void CountProtocolError() {}
  // The codec refused further input: whether because of what the input was, or because the exchange was the last one.
  virtual bool InputWasFaulty() const = 0;
  // Input ended: whether the streams that were open ended only by that.
  virtual bool ExchangeCutOff() const = 0;
  // After a stream ended: whether further ones may follow, now or later. `leftover`: bytes nobody asked for are there,
  // or the peer said it is leaving.
  virtual bool Reusable(bool leftover) const = 0;
  // Why it is not.
  virtual void CountNotReusable() {}
  // A farewell to be written before a connection without streams is closed. False: none is.
  virtual bool SayGoodbye() { return false; }
  // Whether the peer could take FIN for the proper end of what it was sent, which it was not: RST then.
  virtual bool MustAbort() const { return false; }
  // The connection is closing or closed: nothing more is to be sent of the session's own accord. Maybe twice.
  virtual void OnClosing() {}

 protected:
  // `codec`: a member of the derived object.
  explicit CodecSession(http::ClientCodec& codec) : codec_(codec) {}

 private:
  http::ClientCodec& codec_;
};

}  // namespace nuncio::upstream
