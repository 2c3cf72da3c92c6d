#include "source/tls/record_layer.h"

#include <openssl/err.h>

#include "src/ssl/internal.h"

namespace nuncio::tls {

OpenedRecord OpenRecord(SSL* ssl, std::span<uint8_t> record, std::span<uint8_t>* data) {
  ERR_clear_error();
  bssl::Span<uint8_t> body;
  size_t consumed = 0;
  uint8_t alert = SSL_AD_DECODE_ERROR;
  switch (bssl::ssl_open_app_data(ssl, &body, &consumed, &alert, bssl::MakeSpan(record.data(), record.size()))) {
    case bssl::ssl_open_record_success:
      ssl->s3->key_update_count = 0;
      *data = std::span<uint8_t>(body.data(), body.size());
      return OpenedRecord::kData;
    case bssl::ssl_open_record_discard:
      return ssl->s3->hs_buf != nullptr && ssl->s3->hs_buf->length > 0 ? OpenedRecord::kMessages
                                                                       : OpenedRecord::kNothing;
    case bssl::ssl_open_record_close_notify:
      return OpenedRecord::kEnd;
    case bssl::ssl_open_record_partial:
      // The caller passes whole records only, so BoringSSL and we disagree about their length.
      OPENSSL_PUT_ERROR(SSL, ERR_R_INTERNAL_ERROR);
      [[fallthrough]];
    case bssl::ssl_open_record_error:
      break;
  }
  if (alert != 0 && ssl->s3->write_shutdown == bssl::ssl_shutdown_none) {
    bssl::ssl_send_alert(ssl, SSL3_AL_FATAL, alert);
  }
  return OpenedRecord::kFailed;
}

bool CanSealRecords(const SSL* ssl) {
  const bssl::SSL3_STATE& s3 = *ssl->s3;
  return !SSL_in_init(ssl) && s3.write_shutdown == bssl::ssl_shutdown_none && s3.pending_flight == nullptr &&
         s3.pending_hs_data == nullptr && s3.write_buffer.empty() && s3.pending_write.empty();
}

bool HasMessages(const SSL* ssl) { return ssl->s3->hs_buf != nullptr && ssl->s3->hs_buf->length > 0; }

bool InHandshake(const SSL* ssl) { return SSL_in_init(ssl) != 0; }

size_t SealOverhead(const SSL* ssl) { return SSL_max_seal_overhead(ssl); }

size_t SealRecord(SSL* ssl, std::span<const uint8_t> plain, uint8_t* out) {
  size_t written = 0;
  if (!bssl::tls_seal_record(ssl, out, &written, plain.size() + SSL_max_seal_overhead(ssl), SSL3_RT_APPLICATION_DATA,
                             plain.data(), plain.size())) {
    return 0;
  }
  // As after any write: an answer to KeyUpdate may be sent again.
  ssl->s3->key_update_pending = false;
  return written;
}

}  // namespace nuncio::tls
