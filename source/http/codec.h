#pragma once

#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/message.h"

// The seam between protocols and those who use them: bytes in, events out, no sockets, no timers. A codec writes its
// output to the connection's buffer and says so; it never blocks and never throws. One thread.
namespace nuncio::http {

// Why a stream ended without its message being complete.
enum class StreamReset : uint8_t {
  kLocal,             // This side gave up.
  kRemote,            // The peer reset the stream.
  kRemoteRefused,     // The peer did not process it (HTTP/2 REFUSED_STREAM, or above GOAWAY's last id): may be retried.
  kConnectionClosed,  // The connection ended under the stream.
  kProtocolError,     // The peer broke the protocol.
  kLimit,             // The peer exceeded a limit of ours.
  kConnectError,      // The far end of a CONNECT failed (HTTP/2 CONNECT_ERROR).
};
std::string_view StreamResetName(StreamReset reset);

// What a peer did wrong, and how a client is to be told.
struct DecodeError {
  // Status for the client when its request is at fault: 400, 413, 414, 431, 501, 505...
  uint32_t status;
  // Stable, snake_case, for %RESPONSE_CODE_DETAILS%: "http1.codec_error.bare_cr". Static storage.
  std::string_view details;
};

// Tunnels: a request whose head says is_tunnel() asks for one; its head never ends the stream. The answer that accepts
// it is 101 for an upgrade, whichever protocol carries it (HTTP/2 has 200 on the wire, RFC 8441 5), and 2xx for
// CONNECT. Before that HTTP/1 delivers no data of the client; after it DATA is opaque, each direction has an end of its
// own, and the stream is over when both have come. Any other answer is an ordinary one and ends the request with it.

// Receives one request. Order: OnRequestHead, OnData*, OnTrailers?; `end_stream` marks the last event. OnDecodeError or
// OnReset may come at any time, once, and no event of the request after it. The receiver may reset or finish the stream
// in any event. A stream is over, and its receiver is told nothing more, when the end of the answer was sent (of a
// tunnel: of both directions), or after a reset from either side; what is left of a request whose answer ended early is
// not delivered (HTTP/2: see ServerCodec::EndAnswered).
class RequestReceiver {
 public:
  // Where the codec puts the head; lives until the stream ends.
  virtual Arena& arena() = 0;
  // `head` lives in arena().
  virtual void OnRequestHead(RequestHead& head, bool end_stream) = 0;
  // The receiver takes what it wants out of `data`; what is left is dropped.
  virtual void OnData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void OnTrailers(HeaderMap& trailers) = 0;
  // The request is malformed or over a limit. The receiver answers with error.status if nothing was sent yet; the
  // codec reads no more from this connection (HTTP/1) or stream (HTTP/2, which resets it after the answer).
  virtual void OnDecodeError(const DecodeError& error) = 0;
  // `details` is static text for the access log, "http2.remote_reset"; empty for HTTP/1.
  virtual void OnReset(StreamReset reset, std::string_view details) = 0;
  // What was sent to the client waits beyond the high mark / has fallen below the low one. Of this stream: HTTP/2 has
  // marks for each, so that one slow stream stops only its own source.
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;

 protected:
  ~RequestReceiver() = default;
};

inline constexpr std::string_view kConnectionTermination = "connection_termination";

// Receives one answer. Order: OnInformational*, OnResponseHead, OnData*, OnTrailers?. The end of the answer ends the
// stream, HTTP/1's also where the request was not sent whole: what is sent after it is dropped. An accepted tunnel ends
// with the later of its two directions.
class ResponseReceiver {
 public:
  virtual Arena& arena() = 0;
  // A 1xx, but for 101, which is the answer to a request with an upgrade and a fault for others.
  virtual void OnInformational(ResponseHead& head) = 0;
  virtual void OnResponseHead(ResponseHead& head, bool end_stream) = 0;
  virtual void OnData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void OnTrailers(HeaderMap& trailers) = 0;
  // `details` is static text for the access log: "http1.codec_error.invalid_chunk_size"... It is kConnectionTermination
  // only where the connection ended before any byte of the answer: such a request may be sent again if it is
  // idempotent.
  virtual void OnReset(StreamReset reset, std::string_view details) = 0;
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;

 protected:
  ~ResponseReceiver() = default;
};

// Sends one answer. After a call with `end_stream`, after SendTrailers or Reset, the sender must not be used again; of
// a tunnel whose other direction goes on, PauseReading and Reset may still be. Texts of heads and trailers stay valid
// until the call returns or, where it was made from within Dispatch, until Dispatch does; codecs copy what they need
// longer.
class ResponseSender {
 public:
  virtual void SendInformational(const ResponseHead& head) = 0;
  virtual void SendHead(const ResponseHead& head, bool end_stream) = 0;
  // Takes all of `data`.
  virtual void SendData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void SendTrailers(const HeaderMap& trailers) = 0;
  virtual void Reset(StreamReset reset) = 0;
  // Counted: reading resumes when every pause was taken back. While paused OnData may still come for bytes already
  // read.
  virtual void PauseReading(bool pause) = 0;

 protected:
  ~ResponseSender() = default;
};

// Sends one request; as ResponseSender.
class RequestSender {
 public:
  // The receiver of the answer, whose head it was given, only passes the body on, to somebody who takes bytes that are
  // in the kernel (see buffer::Buffer): so they may be. Codecs that must see them do without.
  virtual void LeaveBodyInKernel() {}
  virtual void SendHead(const RequestHead& head, bool end_stream) = 0;
  virtual void SendData(buffer::Buffer& data, bool end_stream) = 0;
  virtual void SendTrailers(const HeaderMap& trailers) = 0;
  virtual void Reset(StreamReset reset) = 0;
  virtual void PauseReading(bool pause) = 0;

 protected:
  ~RequestSender() = default;
};

// What every codec asks of its connection.
class CodecConnection {
 public:
  // Output was appended to the write buffer.
  virtual void OnOutput() = 0;
  // Whether the connection is to stop reading (HTTP/1: one stream's pause is the connection's; requests that wait
  // behind one that is being answered pause it too). Not counted. On `false` the owner dispatches, at the end of the
  // turn and not from within, what the codec had left in the read buffer.
  virtual void OnPauseReading(bool pause) = 0;
  // HTTP/1: this side's half of a tunnel has ended: FIN after what is buffered, reading goes on.
  virtual void OnEndOfOutput() {}
  // HTTP/1: so many of the next bytes, or all with UINT64_MAX, may be dispatched without having been in memory.
  virtual void OnBodyMayStayInKernel(uint64_t /*bytes*/) {}

 protected:
  ~CodecConnection() = default;
};

class ServerConnectionEvents : public CodecConnection {
 public:
  // The first byte of a request arrived; HTTP/2: of its header block, which has not exceeded max_concurrent_streams.
  // The receiver and its arena live until the stream is over (see RequestReceiver).
  virtual RequestReceiver& OnNewStream(ResponseSender& sender) = 0;
  // The last exchange is over and this connection must be closed after what is buffered was written; HTTP/2: it was
  // drained and its last stream is over. May come from within Dispatch, a sender's call, Drain or OnEndOfInput; the
  // codec must not be destroyed before that call returned.
  virtual void OnCloseAfterFlush() = 0;
  // HTTP/1: an answer was cut short whose end the client could take for its proper one: what is buffered is of no use,
  // the connection is to be reset.
  virtual void OnAbort() { OnCloseAfterFlush(); }
  // HTTP/2: the client broke the connection's rules, or exceeded a limit that ends it (`details`, static:
  // "http2.inbound_priority_frames_flood"). Streams are reset after this; Dispatch then returns false.
  virtual void OnConnectionError(StreamReset /*reset*/, std::string_view /*details*/) {}
  // HTTP/2: the answer to SendPing.
  virtual void OnPong(uint64_t /*opaque*/) {}

 protected:
  ~ServerConnectionEvents() = default;
};

class ClientConnectionEvents : public CodecConnection {
 public:
  // HTTP/2 GOAWAY: no new streams here.
  virtual void OnGoAway() = 0;
  // HTTP/2: the peer's limit of concurrent streams changed.
  virtual void OnMaxStreams(uint32_t streams) = 0;
  // The stream whose sender this was is over in both directions; the codec has forgotten it. Comes once for each
  // stream, after its receiver's last event, and from within the sender's Reset too. reusable() is settled by then.
  virtual void OnStreamClosed() = 0;

 protected:
  ~ClientConnectionEvents() = default;
};

// Role of the server, towards downstream clients.
class ServerCodec {
 public:
  virtual ~ServerCodec() = default;
  // Consumes what it can of `data`; HTTP/1 leaves requests there that wait for their turn. Returns false when the
  // connection is beyond use: nothing more may be dispatched, the owner flushes and closes. A malformed request alone
  // is no reason: its receiver answers it first, and OnCloseAfterFlush follows.
  virtual bool Dispatch(buffer::Buffer& data) = 0;
  // The peer sent FIN. For HTTP/1 an unfinished request is reset; requests already read are still answered, then
  // OnCloseAfterFlush comes.
  virtual void OnEndOfInput() = 0;
  // The connection is gone: resets what streams there are.
  virtual void OnConnectionClosed() = 0;
  // HTTP/2: asks the client to open its next streams elsewhere; those that it opens before it has read this are served
  // (GOAWAY with the largest id, RFC 9113 6.8). Drain follows when the client had time to read it.
  virtual void NoticeShutdown() {}
  // No new requests after those already begun: HTTP/1 sends `connection: close` with the next answer head; HTTP/2 sends
  // GOAWAY with the last stream begun, refuses later ones, and OnCloseAfterFlush comes with the end of the last. Again
  // without effect.
  virtual void Drain() = 0;
  // HTTP/2 PING (RFC 9113 6.7); `opaque` comes back in OnPong.
  virtual void SendPing(uint64_t /*opaque*/) {}
  // HTTP/2: ends the requests that their clients go on sending although they were answered (RST_STREAM with NO_ERROR).
  // To be called a moment after such an answer.
  virtual void EndAnswered() {}
  // HTTP/2: resets the streams whose answer was handed over whole and of which nothing has left since the last call. To
  // be called each time the stream idle timeout has passed, while there are streams: their receivers are gone.
  virtual void ExpireFlushes() {}
  // The connection's write buffer crossed its marks.
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;
  virtual Protocol protocol() const = 0;
  // Requests begun and not finished in both directions.
  virtual size_t active_streams() const = 0;
  // HTTP/1: a request waits in the input until its client has taken more of the answers before it; the owner dispatches
  // again then.
  virtual bool output_is_full() const { return false; }
};

// Role of the client, towards upstream hosts.
class ClientCodec {
 public:
  virtual ~ClientCodec() = default;
  virtual bool Dispatch(buffer::Buffer& data) = 0;
  virtual void OnEndOfInput() = 0;
  virtual void OnConnectionClosed() = 0;
  virtual void OnSendBufferHigh() = 0;
  virtual void OnSendBufferLow() = 0;
  virtual Protocol protocol() const = 0;
  // Legal only while can_open_stream().
  virtual RequestSender& NewStream(ResponseReceiver& receiver) = 0;
  virtual bool can_open_stream() const = 0;
  virtual size_t active_streams() const = 0;
  // Whether an idle connection may carry another request: HTTP/1 answers that ended by their own framing, without
  // `connection: close`, after a request that was sent whole, with nothing left over.
  virtual bool reusable() const = 0;
  // HTTP/1: the peer's half of a tunnel has ended while the other goes on, so the connection stays after its FIN.
  virtual bool half_open() const { return false; }
};

}  // namespace nuncio::http
