#include "source/tls/ocsp_response.h"

#include <openssl/bytestring.h>
#include <openssl/time.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::tls {
namespace {

// 1.3.6.1.5.5.7.48.1.1, id-pkix-ocsp-basic.
constexpr uint8_t kBasicResponse[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

bool ReadTime(CBS* in, SystemTime* out) {
  CBS text;
  tm fields{};
  int64_t seconds = 0;
  if (!CBS_get_asn1(in, &text, CBS_ASN1_GENERALIZEDTIME) || !CBS_parse_generalized_time(&text, &fields, 0) ||
      !OPENSSL_tm_to_posix(&fields, &seconds)) {
    return false;
  }
  constexpr int64_t kLast = 9'223'372'036;  // A SystemTime ends in 2262.
  *out = SystemTime(std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLast)));
  return true;
}

// Up to and with the list of responses (RFC 6960 4.2.1).
bool ReadResponseData(CBS basic, CBS* responses) {
  CBS sequence;
  CBS data;
  CBS skipped;
  return CBS_get_asn1(&basic, &sequence, CBS_ASN1_SEQUENCE) && CBS_get_asn1(&sequence, &data, CBS_ASN1_SEQUENCE) &&
         CBS_get_optional_asn1(&data, nullptr, nullptr, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
         CBS_get_any_asn1_element(&data, &skipped, nullptr, nullptr) &&  // responderID
         CBS_get_asn1(&data, nullptr, CBS_ASN1_GENERALIZEDTIME) &&       // producedAt
         CBS_get_asn1(&data, responses, CBS_ASN1_SEQUENCE);
}

}  // namespace

absl::StatusOr<OcspResponse> OcspResponse::Parse(std::string der) {
  CBS in;
  CBS_init(&in, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  CBS response;
  CBS status;
  if (!CBS_get_asn1(&in, &response, CBS_ASN1_SEQUENCE) || CBS_len(&in) != 0 ||
      !CBS_get_asn1(&response, &status, CBS_ASN1_ENUMERATED) || CBS_len(&status) != 1) {
    return InvalidArgument("is no OCSP response in DER form");
  }
  if (CBS_data(&status)[0] != 0) {
    return InvalidArgument(StrCat("is an OCSP response without success, status ", CBS_data(&status)[0]));
  }
  CBS tagged;
  CBS bytes;
  CBS type;
  CBS basic;
  CBS responses;
  if (!CBS_get_asn1(&response, &tagged, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) ||
      !CBS_get_asn1(&tagged, &bytes, CBS_ASN1_SEQUENCE) || !CBS_get_asn1(&bytes, &type, CBS_ASN1_OBJECT) ||
      !CBS_mem_equal(&type, kBasicResponse, sizeof(kBasicResponse)) ||
      !CBS_get_asn1(&bytes, &basic, CBS_ASN1_OCTETSTRING) || !ReadResponseData(basic, &responses)) {
    return InvalidArgument("is no basic OCSP response");
  }
  OcspResponse out;
  CBS single;
  CBS id;
  CBS serial;
  CBS certificate_status;
  if (!CBS_get_asn1(&responses, &single, CBS_ASN1_SEQUENCE) || !CBS_get_asn1(&single, &id, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&id, nullptr, CBS_ASN1_SEQUENCE) ||      // hashAlgorithm
      !CBS_get_asn1(&id, nullptr, CBS_ASN1_OCTETSTRING) ||   // issuerNameHash
      !CBS_get_asn1(&id, nullptr, CBS_ASN1_OCTETSTRING) ||   // issuerKeyHash
      !CBS_get_asn1(&id, &serial, CBS_ASN1_INTEGER) ||
      !CBS_get_any_asn1_element(&single, &certificate_status, nullptr, nullptr) ||
      !ReadTime(&single, &out.this_update_)) {
    return InvalidArgument("is no OCSP response that could be read");
  }
  if (CBS_len(&responses) != 0) return InvalidArgument("is an OCSP response for more than one certificate");
  CBS next;
  int has_next = 0;
  if (!CBS_get_optional_asn1(&single, &next, &has_next, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0)) {
    return InvalidArgument("is no OCSP response that could be read");
  }
  if (has_next) {
    SystemTime time;
    if (!ReadTime(&next, &time)) return InvalidArgument("is an OCSP response with an unreadable nextUpdate");
    out.next_update_ = time;
  }
  out.serial_.assign(reinterpret_cast<const char*>(CBS_data(&serial)), CBS_len(&serial));
  out.der_ = std::move(der);
  return out;
}

}  // namespace nuncio::tls
