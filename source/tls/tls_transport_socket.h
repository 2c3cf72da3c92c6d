#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/buffer/buffer.h"
#include "source/net/transport_socket.h"
#include "source/telemetry/ssl_stats.h"
#include "source/tls/client_sessions.h"
#include "source/tls/ssl_security_info.h"
#include "source/tls/tls_context.h"

namespace nuncio::tls {

// TLS over a connection's descriptor, in either role. What comes in is read into pooled slices, many records in one
// call, and decrypted in place; what goes out is sealed record by record, gathered from the owner's slices, and sent
// many records in one call. Idle, it holds no slice, and nothing of the handshake.
class TlsTransportSocket final : public net::TransportSocket {
 public:
  // What only a handshake needs.
  struct Handshaking {
    std::string sni;                // Client: to be sent. Server: as received, in lower case.
    std::vector<std::string> names;  // Client: the server must be one of these.
    net::Address remote;             // For the choice of connections whose keys are logged.
    std::string host;                // Client: whose sessions are resumed.
    std::string ja3;
    std::string ja4;
    const Certificate* local = nullptr;  // What this side presents where asked to.
    bool validated = false;
    std::string detail;             // Why the peer's certificate was refused.
  };

  TlsTransportSocket(std::shared_ptr<const TlsContext> context, bssl::UniquePtr<SSL> ssl, telemetry::SslStats* stats,
                     std::shared_ptr<ClientSessions> sessions, std::unique_ptr<Handshaking> handshaking);
  ~TlsTransportSocket() override;

  void Attach(int fd, event::EventLoop& loop, buffer::SlicePool& pool) override;
  Result Handshake() override;
  Result Read(buffer::Buffer& into, size_t size) override;
  Result Write(buffer::Buffer& from, bool end) override;
  size_t output_length() const override { return out_.has_value() ? out_->length() : 0; }
  void BeforeClose() override;
  const std::shared_ptr<const net::SecurityInfo>& security() const override { return security_; }
  std::string_view failure() const override { return failure_; }

  // For the contexts, out of BoringSSL's callbacks.
  static TlsTransportSocket* Of(const SSL* ssl);
  // Whose handshake this thread is working on; null for none.
  static const TlsTransportSocket* Current();
  const TlsContext& context() const { return *context_; }
  SSL* ssl() const { return ssl_; }
  Handshaking* handshaking() { return handshaking_.get(); }
  telemetry::SslCounters* counters() { return stats_ == nullptr ? nullptr : &stats_->counters(); }
  KeyLogSink* key_log() const { return key_log_; }
  SystemTime SystemNow() const;
  MonotonicTime Now() const;
  ssl_verify_result_t VerifyPeer(uint8_t* alert);
  void OnNewSession(bssl::UniquePtr<SSL_SESSION> session);
  // Bytes read, 0 at the end, or one of these.
  static constexpr int kBioBlocked = -1;
  static constexpr int kBioFailed = -2;
  int OnBioRead(char* data, int size);
  int OnBioWrite(const char* data, int size);

 private:
  // Records that go out in one system call: up to this much plaintext is sealed at a time.
  static constexpr size_t kMaxBatch = 128 * 1024;
  // What the loopback device takes in one segment, about.
  static constexpr size_t kOneSegment = 64 * 1024;
  // Small enough for the first packets of a connection whose window has yet to grow; up to here, then whole records.
  static constexpr size_t kSmallRecord = 1400;
  static constexpr size_t kSmallUntil = 40 * 1024;
  // A connection that was silent this long begins with small records again, as its window does.
  static constexpr Duration kIdle = std::chrono::seconds(1);
  // A server that goes on asking for new handshakes is not worth their cost.
  static constexpr int kMaxRenegotiations = 16;

  // Where BoringSSL's own reading gets bytes from.
  enum class BioInput : uint8_t { kNothing, kWholeRecords, kDescriptor };

  // kDone, kBlocked, kEnd or, with errno in io_error_, kFailed.
  State FillInput(size_t size, Result* result);
  // The size of the record that in_ begins with, 0 where it is not whole. One that is too long counts as whole, to be
  // refused at once.
  size_t WholeRecord();
  // False when no more records are to be opened in this call.
  bool OpenNext(size_t size, buffer::Buffer& into, Result* result);
  // Handshakes after the first, through BoringSSL's own reading.
  bool ReadInHandshake(buffer::Buffer& into, Result* result);
  bool HandleMessages();
  // Records of `from`, up to `limit` bytes of plaintext. False on failure.
  bool Seal(buffer::Buffer& from, size_t limit, Result* result);
  size_t NextRecordSize(const buffer::Buffer& from) const;
  // How much plaintext the first system call of a Write is to take.
  size_t FirstBatch(const buffer::Buffer& from) const;
  // What the peer sent before is still read.
  Result WriteFailed();
  bool TooManyRenegotiations();
  // Sends what is in out_; false on failure.
  bool FlushOutput();
  void SendEnd();
  void OnHandshakeDone();
  void CountHandshake();
  // With the reasons in BoringSSL's queue, or of a system call.
  Result FailedBySsl();
  Result Failed(std::string text, int error);

  const std::shared_ptr<const TlsContext> context_;
  telemetry::SslStats* const stats_;
  const std::shared_ptr<ClientSessions> sessions_;
  KeyLogSink* key_log_ = nullptr;  // Where this connection is one of those to be logged.
  SSL* const ssl_;
  bssl::UniquePtr<SSL> owned_ssl_;  // Until security_ has it.
  std::shared_ptr<const net::SecurityInfo> security_;
  std::unique_ptr<Handshaking> handshaking_;
  const std::string session_host_;  // Client: as in ClientSessions.
  event::EventLoop* loop_ = nullptr;
  std::optional<buffer::Buffer> in_;
  std::optional<buffer::Buffer> out_;
  MonotonicTime last_write_{};
  uint32_t written_since_idle_ = 0;
  uint32_t batch_ = kMaxBatch;  // Halved whenever the kernel takes less.
  int fd_ = -1;
  int io_error_ = 0;
  BioInput bio_input_ = BioInput::kNothing;
  size_t record_left_ = 0;  // Of the record that BoringSSL is taking from whole ones.
  bool peer_ended_ = false;  // By close_notify or FIN.
  bool end_sent_ = false;
  bool failed_ = false;
  bool write_failed_ = false;
  std::string failure_;
};

}  // namespace nuncio::tls
