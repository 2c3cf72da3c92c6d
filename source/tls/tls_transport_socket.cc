#include "source/tls/tls_transport_socket.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "source/base/strings.h"
#include "source/net/socket_options.h"
#include "source/tls/client_context.h"
#include "source/tls/record_layer.h"
#include "source/tls/slice_bio.h"
#include "source/tls/ssl_error.h"

namespace nuncio::tls {
namespace {

constexpr size_t kMaxReadIovecs = 8;
constexpr size_t kMaxWriteIovecs = 64;
// Of a record's payload in any version, as RFC 5246 6.2.3 allows for; BoringSSL refuses more.
constexpr size_t kMaxEncrypted = kMaxPlaintext + 2048;
// A run of plaintext this long is worth a record of its own, so that it need not be copied to fill one up.
constexpr size_t kWorthARecord = 8192;

int SocketIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Room for the plaintext of one record, this thread's.
std::span<uint8_t> Scratch() {
  static thread_local uint8_t bytes[kMaxPlaintext];
  return bytes;
}

thread_local const TlsTransportSocket* current_socket = nullptr;

// While BoringSSL may handle messages of a handshake.
class Working {
 public:
  explicit Working(const TlsTransportSocket* socket) {
    current_socket = socket;
    // What is left of earlier calls would be taken for reasons of this one.
    ERR_clear_error();
  }
  ~Working() { current_socket = nullptr; }
};

std::string ErrnoText(std::string_view what, int error) { return StrCat(what, ": ", strerror(error)); }

}  // namespace

TlsTransportSocket::TlsTransportSocket(std::shared_ptr<const TlsContext> context, bssl::UniquePtr<SSL> ssl,
                                       telemetry::SslStats* stats, std::shared_ptr<ClientSessions> sessions,
                                       std::unique_ptr<Handshaking> handshaking)
    : context_(std::move(context)),
      stats_(stats),
      sessions_(std::move(sessions)),
      ssl_(ssl.get()),
      owned_ssl_(std::move(ssl)),
      handshaking_(std::move(handshaking)),
      session_host_(std::move(handshaking_->host)) {
  SSL_set_ex_data(ssl_, SocketIndex(), this);
  BIO* const bio = NewSliceBio(*this).release();
  SSL_set_bio(ssl_, bio, bio);
}

TlsTransportSocket::~TlsTransportSocket() {
  // Whoever holds security_ keeps the SSL.
  SSL_set_ex_data(ssl_, SocketIndex(), nullptr);
  DetachSliceBio(SSL_get_rbio(ssl_));
}

TlsTransportSocket* TlsTransportSocket::Of(const SSL* ssl) {
  return ssl == nullptr ? nullptr : static_cast<TlsTransportSocket*>(SSL_get_ex_data(ssl, SocketIndex()));
}

const TlsTransportSocket* TlsTransportSocket::Current() { return current_socket; }

void TlsTransportSocket::Attach(int fd, event::EventLoop& loop, buffer::SlicePool& pool) {
  fd_ = fd;
  loop_ = &loop;
  in_.emplace(pool);
  out_.emplace(pool);
  if (context_->has_key_log()) key_log_ = context_->KeyLogFor(net::LocalAddress(fd), handshaking_->remote);
}

SystemTime TlsTransportSocket::SystemNow() const { return loop_->SystemNow(); }
MonotonicTime TlsTransportSocket::Now() const { return loop_->now(); }

net::TransportSocket::Result TlsTransportSocket::Handshake() {
  const Working working(this);
  bio_input_ = BioInput::kDescriptor;
  const int outcome = SSL_do_handshake(ssl_);
  bio_input_ = BioInput::kNothing;
  if (outcome == 1) {
    // What it produced last goes out with the first bytes of the owner.
    OnHandshakeDone();
    return {};
  }
  if (SSL_get_error(ssl_, outcome) != SSL_ERROR_WANT_READ) return FailedBySsl();
  if (!FlushOutput()) return Failed(ErrnoText("sending within the handshake", io_error_), io_error_);
  return {.state = State::kBlocked, .output = output_length() > 0};
}

void TlsTransportSocket::OnHandshakeDone() {
  Handshaking& done = *handshaking_;
  CountHandshake();
  security_ = std::make_shared<SslSecurityInfo>(std::move(owned_ssl_), context_, done.local, done.validated,
                                                std::move(done.sni), std::move(done.ja3), std::move(done.ja4));
  // In a renegotiation BoringSSL takes no certificate but the one that was judged.
  handshaking_.reset();
}

void TlsTransportSocket::CountHandshake() {
  if (stats_ == nullptr) return;
  using Choice = telemetry::SslStats::Choice;
  telemetry::SslCounters& counters = stats_->counters();
  counters.handshake.Inc();
  if (SSL_session_reused(ssl_)) counters.session_reused.Inc();
  if (SSL_was_key_usage_invalid(ssl_)) counters.was_key_usage_invalid.Inc();
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl_);
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) counters.no_certificate.Inc();
  if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_)) {
    stats_->Count(Choice::kCipher, SSL_CIPHER_get_protocol_id(cipher), SSL_CIPHER_get_name(cipher));
  }
  stats_->Count(Choice::kVersion, static_cast<uint16_t>(SSL_version(ssl_)), SSL_get_version(ssl_));
  if (const uint16_t curve = SSL_get_curve_id(ssl_); curve != 0) {
    if (const char* const name = SSL_get_curve_name(curve)) stats_->Count(Choice::kCurve, curve, name);
  }
  if (const uint16_t algorithm = SSL_get_peer_signature_algorithm(ssl_); algorithm != 0) {
    if (const char* const name = SSL_get_signature_algorithm_name(algorithm, /*include_curve=*/1)) {
      stats_->Count(Choice::kSignature, algorithm, name);
    }
  }
}

net::TransportSocket::Result TlsTransportSocket::FailedBySsl() {
  const uint32_t error = ERR_peek_error();
  std::string text = TakeErrorText(handshaking_ == nullptr ? std::string() : handshaking_->detail);
  if (telemetry::SslCounters* const counted = counters(); counted != nullptr && error != 0) {
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
      counted->fail_verify_no_cert.Inc();
    } else if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED) {  // That one was counted by its cause.
      counted->connection_error.Inc();
    }
  }
  if (text.empty()) {
    text =
        io_error_ != 0 ? ErrnoText("reading within the handshake", io_error_) : "the peer closed within the handshake";
  }
  const int errno_of_it = io_error_;
  // The alert, as far as the kernel takes it.
  FlushOutput();
  return Failed(std::move(text), errno_of_it);
}

net::TransportSocket::Result TlsTransportSocket::Failed(std::string text, int error) {
  failed_ = true;
  failure_ = std::move(text);
  in_->Clear();
  out_->Clear();
  return {.state = State::kFailed, .error = error};
}

net::TransportSocket::State TlsTransportSocket::FillInput(size_t size, Result* result) {
  iovec iov[kMaxReadIovecs];
  const size_t count = in_->ReserveForRead(size, iov, kMaxReadIovecs);
  size_t capacity = 0;
  for (size_t i = 0; i < count; ++i) capacity += iov[i].iov_len;
  ssize_t n;
  do {
    n = count == 1 ? recv(fd_, iov[0].iov_base, iov[0].iov_len, 0) : readv(fd_, iov, static_cast<int>(count));
  } while (n < 0 && errno == EINTR);
  io_error_ = n < 0 && errno != EAGAIN ? errno : 0;
  in_->CommitRead(n > 0 ? static_cast<size_t>(n) : 0);
  if (n == 0) return State::kEnd;
  if (n < 0) return io_error_ == 0 ? State::kBlocked : State::kFailed;
  result->wire_bytes += static_cast<size_t>(n);
  result->drained = static_cast<size_t>(n) < capacity;
  return State::kDone;
}

size_t TlsTransportSocket::WholeRecord() {
  if (in_->length() < kRecordHeaderSize) return 0;
  const std::string_view header = in_->Linearize(kRecordHeaderSize);
  const size_t payload = size_t{static_cast<uint8_t>(header[3])} << 8 | static_cast<uint8_t>(header[4]);
  const size_t size = kRecordHeaderSize + payload;
  if (payload > kMaxEncrypted) return std::min(size, in_->length());
  return in_->length() < size ? 0 : size;
}

net::TransportSocket::Result TlsTransportSocket::Read(buffer::Buffer& into, size_t size) {
  if (failed_) return {.state = State::kFailed};
  if (peer_ended_) return {.state = State::kEnd};
  const size_t output_before = out_->length();
  Result result;
  size_t record = WholeRecord();
  if (record == 0) {
    switch (FillInput(size, &result)) {
      case State::kDone:
        break;
      case State::kBlocked:
        return {.state = State::kBlocked};
      case State::kEnd:
        // Without a close_notify too: HTTP's framing tells what is whole, and half of the world's peers just leave.
        peer_ended_ = true;
        in_->Clear();
        return {.state = State::kEnd};
      case State::kFailed:
        return Failed(ErrnoText("reading", io_error_), io_error_);
    }
    record = WholeRecord();
  }
  while (record != 0) {
    const bool more = InHandshake(ssl_) ? ReadInHandshake(into, &result) : OpenNext(record, into, &result);
    if (!more) break;
    record = WholeRecord();
  }
  // What came before a failure or an end is delivered first.
  if (failed_ && result.bytes == 0) return {.state = State::kFailed};
  if (peer_ended_ && result.bytes == 0) return {.state = State::kEnd};
  if (failed_ || peer_ended_) result.drained = false;
  if (!in_->empty()) in_->Compact();
  result.output = result.output || out_->length() > output_before;
  return result;
}

bool TlsTransportSocket::OpenNext(size_t size, buffer::Buffer& into, Result* result) {
  char* const bytes = const_cast<char*>(in_->Linearize(size).data());
  const std::span<uint8_t> record(reinterpret_cast<uint8_t*>(bytes), size);
  std::span<uint8_t> data;
  switch (OpenRecord(ssl_, record, &data)) {
    case OpenedRecord::kData: {
      const size_t skip = static_cast<size_t>(data.data() - record.data());
      into.TakeRun(*in_, skip, data.size(), size - skip - data.size());
      result->bytes += data.size();
      return true;
    }
    case OpenedRecord::kNothing:
      in_->Drain(size);
      return true;
    case OpenedRecord::kMessages:
      in_->Drain(size);
      return HandleMessages();
    case OpenedRecord::kEnd:
      in_->Clear();
      peer_ended_ = true;
      return false;
    case OpenedRecord::kFailed:
      break;
  }
  FailedBySsl();
  return false;
}

bool TlsTransportSocket::HandleMessages() {
  const Working working(this);
  uint8_t none;
  const int outcome = SSL_peek(ssl_, &none, 0);
  if (TooManyRenegotiations()) return false;
  if (outcome >= 0 || SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_READ) return true;
  FailedBySsl();
  return false;
}

bool TlsTransportSocket::TooManyRenegotiations() {
  if (SSL_total_renegotiations(ssl_) <= kMaxRenegotiations) return false;
  Failed("the server asked for too many renegotiations", 0);
  return true;
}

bool TlsTransportSocket::ReadInHandshake(buffer::Buffer& into, Result* result) {
  const Working working(this);
  bio_input_ = BioInput::kWholeRecords;
  const int n = SSL_read(ssl_, Scratch().data(), kMaxPlaintext);
  bio_input_ = BioInput::kNothing;
  if (TooManyRenegotiations()) return false;
  // Output of the owner has waited for the handshake.
  result->output = true;
  if (n > 0) {
    into.Append(std::string_view(reinterpret_cast<const char*>(Scratch().data()), static_cast<size_t>(n)));
    result->bytes += static_cast<size_t>(n);
    return true;
  }
  switch (SSL_get_error(ssl_, n)) {
    case SSL_ERROR_WANT_READ:
      return WholeRecord() != 0;
    case SSL_ERROR_ZERO_RETURN:
      peer_ended_ = true;
      return false;
    default:
      FailedBySsl();
      return false;
  }
}

int TlsTransportSocket::OnBioRead(char* data, int size) {
  if (bio_input_ == BioInput::kNothing) return kBioBlocked;
  if (bio_input_ == BioInput::kWholeRecords) {
    // BoringSSL takes a record in two reads or more: of the header, and of a payload that then is there whole.
    if (record_left_ == 0) {
      record_left_ = WholeRecord();
      if (record_left_ == 0) return kBioBlocked;
    }
  } else if (in_->empty()) {
    Result unused;
    switch (FillInput(buffer::SlicePool::kLarge, &unused)) {
      case State::kDone: break;
      case State::kBlocked: return kBioBlocked;
      case State::kEnd: return 0;
      case State::kFailed: return kBioFailed;
    }
  }
  if (in_->empty()) return kBioBlocked;
  const std::string_view front = in_->Front();
  const size_t n = std::min(front.size(), static_cast<size_t>(size));
  memcpy(data, front.data(), n);
  in_->Drain(n);
  if (bio_input_ == BioInput::kWholeRecords) record_left_ -= std::min(record_left_, n);
  return static_cast<int>(n);
}

int TlsTransportSocket::OnBioWrite(const char* data, int size) {
  if (failed_) return kBioFailed;
  if (write_failed_) return size;
  out_->Append(std::string_view(data, static_cast<size_t>(size)));
  return size;
}

size_t TlsTransportSocket::NextRecordSize(const buffer::Buffer& from) const {
  const size_t most = written_since_idle_ < kSmallUntil ? kSmallRecord : kMaxPlaintext;
  const size_t size = std::min(from.length(), most);
  const size_t run = from.Front().size();
  return run < size && run >= kWorthARecord ? run : size;
}

bool TlsTransportSocket::Seal(buffer::Buffer& from, size_t limit, Result* result) {
  if (!CanSealRecords(ssl_)) {
    // What BoringSSL holds back for the next write: session tickets, an answer to KeyUpdate.
    ERR_clear_error();
    uint8_t none = 0;
    if (SSL_write(ssl_, &none, 0) < 0 || !CanSealRecords(ssl_)) {
      *result = FailedBySsl();
      return false;
    }
  }
  const size_t overhead = SealOverhead(ssl_);
  for (size_t sealed = 0; sealed < limit && !from.empty();) {
    const size_t size = NextRecordSize(from);
    const std::string_view front = from.Front();
    std::span<const uint8_t> plain(reinterpret_cast<const uint8_t*>(front.data()), size);
    if (front.size() < size) {
      plain = Scratch().first(size);
      from.CopyOut(Scratch().data(), size);
    }
    auto* const out = reinterpret_cast<uint8_t*>(out_->Reserve(size + overhead));
    const size_t written = SealRecord(ssl_, plain, out);
    out_->Commit(written);
    if (written == 0) {
      *result = FailedBySsl();
      return false;
    }
    from.Drain(size);
    sealed += size;
    written_since_idle_ = static_cast<uint32_t>(std::min<size_t>(written_since_idle_ + size, kSmallUntil));
    result->bytes += size;
  }
  return true;
}

size_t TlsTransportSocket::FirstBatch(const buffer::Buffer& from) const {
  const bool one_segment = from.length() > kMaxPlaintext && from.length() <= kOneSegment;
  // A record ahead of the others keeps the peer busy while they are sealed. And with two segments under way the kernel
  // goes on with the tick of a core that goes idle; to stop it and start it again with the next message takes longer
  // than the second call does. A thread that has more to do would only pay for the call.
  return one_segment && loop_->quiet() ? kMaxPlaintext : batch_;
}

net::TransportSocket::Result TlsTransportSocket::Write(buffer::Buffer& from, bool end) {
  if (failed_ || write_failed_) return {.state = State::kFailed};
  if (InHandshake(ssl_)) {
    // A renegotiation: the owner's bytes wait for it, what it says itself does not. Read goes on, and then asks for
    // output.
    if (!FlushOutput()) return WriteFailed();
    return {.state = State::kBlocked};
  }
  if (loop_->now() - last_write_ > kIdle) written_since_idle_ = 0;
  last_write_ = loop_->now();
  Result result;
  for (size_t batch = FirstBatch(from);; batch = batch_) {
    if (!from.empty() && !end_sent_ && out_->length() < batch && !Seal(from, batch - out_->length(), &result)) {
      return result;
    }
    if (from.empty() && end && !end_sent_) SendEnd();
    const size_t offered = out_->length();
    if (offered == 0) return result;
    if (!FlushOutput()) return WriteFailed();
    if (output_length() > 0) {
      batch_ = std::max<uint32_t>(batch_ / 2, kMaxPlaintext);
      result.state = State::kBlocked;
      return result;
    }
    if (offered >= batch_) batch_ = std::min<uint32_t>(batch_ * 2, kMaxBatch);
    if (end_sent_) return result;
  }
}

net::TransportSocket::Result TlsTransportSocket::WriteFailed() {
  write_failed_ = true;
  failure_ = ErrnoText("sending", io_error_);
  out_->Clear();
  return {.state = State::kFailed, .error = io_error_};
}

bool TlsTransportSocket::FlushOutput() {
  while (!out_->empty()) {
    iovec iov[kMaxWriteIovecs];
    msghdr message{};
    message.msg_iov = iov;
    message.msg_iovlen = out_->Describe(iov, kMaxWriteIovecs);
    size_t offered = 0;
    for (size_t i = 0; i < message.msg_iovlen; ++i) offered += iov[i].iov_len;
    // After the end FIN follows at once: the kernel may send both in one segment.
    const int flags = MSG_NOSIGNAL | (end_sent_ && offered == out_->length() ? MSG_MORE : 0);
    const ssize_t n = message.msg_iovlen == 1 ? send(fd_, iov[0].iov_base, iov[0].iov_len, flags)
                                              : sendmsg(fd_, &message, flags);
    if (n >= 0) {
      out_->Drain(static_cast<size_t>(n));
      if (static_cast<size_t>(n) < offered) return true;
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR) {
      io_error_ = errno;
      return false;
    }
  }
  return true;
}

void TlsTransportSocket::SendEnd() {
  end_sent_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void TlsTransportSocket::BeforeClose() {
  if (failed_ || write_failed_ || end_sent_ || InHandshake(ssl_) || output_length() > 0) return;
  SendEnd();
  FlushOutput();
}

ssl_verify_result_t TlsTransportSocket::VerifyPeer(uint8_t* alert) {
  const CertificateVerifier* const verifier = context_->verifier();
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl_);
  if (verifier == nullptr || chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return ssl_verify_ok;
  CertificateVerifier::Verdict verdict =
      verifier->Verify(chain, /*peer_is_server=*/!context_->ServerRole(), SystemNow(), handshaking_->names);
  ERR_clear_error();
  handshaking_->validated = verdict.validated;
  if (telemetry::SslCounters* const counted = counters()) {
    switch (verdict.failure) {
      case CertificateVerifier::Failure::kNone: break;
      case CertificateVerifier::Failure::kChain: counted->fail_verify_error.Inc(); break;
      case CertificateVerifier::Failure::kName: counted->fail_verify_san.Inc(); break;
      case CertificateVerifier::Failure::kPin: counted->fail_verify_cert_hash.Inc(); break;
    }
  }
  if (verdict.accepted) return ssl_verify_ok;
  handshaking_->detail = std::move(verdict.detail);
  *alert = verdict.alert;
  return ssl_verify_invalid;
}

void TlsTransportSocket::OnNewSession(bssl::UniquePtr<SSL_SESSION> session) {
  if (sessions_ == nullptr) return;
  sessions_->Put(static_cast<const ClientContext&>(*context_), session_host_, std::move(session));
}

}  // namespace nuncio::tls
