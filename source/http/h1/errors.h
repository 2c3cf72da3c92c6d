#pragma once

#include "source/http/codec.h"

// Everything that HTTP/1 peers can do wrong. The details are part of what operators see (%RESPONSE_CODE_DETAILS%) and
// never change; where Envoy has a name for the same fault it is used. Clients' codecs report the details alone.
namespace nuncio::http::h1 {

// Start line.
inline constexpr DecodeError kInvalidMethod{400, "http1.codec_error.invalid_method"};
inline constexpr DecodeError kInvalidRequestLine{400, "http1.codec_error.invalid_request_line"};
inline constexpr DecodeError kInvalidTarget{400, "http1.invalid_url"};
inline constexpr DecodeError kAbsoluteFormRefused{400, "http1.codec_error.absolute_form_refused"};
inline constexpr DecodeError kInvalidVersion{400, "http1.codec_error.invalid_version"};
inline constexpr DecodeError kUnsupportedVersion{505, "http1.codec_error.unsupported_version"};
inline constexpr DecodeError kHttp2Preface{505, "http1.codec_error.http2_preface"};
inline constexpr DecodeError kLowVersion{426, "low_version"};
inline constexpr DecodeError kTooManyEmptyLines{400, "http1.codec_error.too_many_empty_lines"};
inline constexpr DecodeError kInvalidStatusLine{502, "http1.codec_error.invalid_status_line"};

// Fields.
inline constexpr DecodeError kBareCr{400, "http1.codec_error.bare_cr"};
inline constexpr DecodeError kBareLf{400, "http1.codec_error.bare_lf"};
inline constexpr DecodeError kObsFold{400, "http1.codec_error.obs_fold"};
inline constexpr DecodeError kMissingColon{400, "http1.codec_error.missing_colon"};
inline constexpr DecodeError kSpaceBeforeColon{400, "http1.codec_error.space_before_colon"};
inline constexpr DecodeError kInvalidHeaderName{400, "http1.codec_error.invalid_header_name"};
inline constexpr DecodeError kInvalidHeaderValue{400, "http1.codec_error.invalid_header_value"};
inline constexpr DecodeError kMissingHost{400, "missing_host_header"};
inline constexpr DecodeError kMultipleHost{400, "http1.codec_error.multiple_host"};
inline constexpr DecodeError kInvalidHost{400, "http1.codec_error.invalid_host"};
inline constexpr DecodeError kConnectionHeaderRejected{400, "http1.connection_header_rejected"};

// Framing.
inline constexpr DecodeError kContentLengthAndChunked{400, "http1.content_length_and_chunked_not_allowed"};
// What follows the head of an upgrade or a CONNECT is for the tunnel; a body before it is read in two ways.
inline constexpr DecodeError kTunnelWithBody{400, "http1.codec_error.tunnel_with_body"};
inline constexpr DecodeError kInvalidContentLength{400, "http1.codec_error.invalid_content_length"};
inline constexpr DecodeError kMultipleContentLength{400, "http1.codec_error.multiple_content_length"};
inline constexpr DecodeError kInvalidTransferEncoding{400, "http1.invalid_transfer_encoding"};
inline constexpr DecodeError kTransferEncodingInHttp10{400, "http1.codec_error.transfer_encoding_in_http10"};
inline constexpr DecodeError kUnknownTransferCoding{501, "http1.codec_error.unknown_transfer_coding"};
inline constexpr DecodeError kInvalidChunkSize{400, "http1.codec_error.invalid_chunk_size"};
inline constexpr DecodeError kInvalidChunkExtension{400, "http1.codec_error.invalid_chunk_extension"};
inline constexpr DecodeError kChunkOverhead{400, "http1.codec_error.chunk_overhead_too_large"};
inline constexpr DecodeError kInvalidChunkEnd{400, "http1.codec_error.invalid_chunk_end"};

// Limits.
inline constexpr DecodeError kRequestLineTooLong{414, "http1.request_line_too_long"};
inline constexpr DecodeError kHeadersTooLarge{431, "http1.headers_too_large"};
inline constexpr DecodeError kTooManyHeaders{431, "http1.too_many_headers"};
inline constexpr DecodeError kTrailersTooLarge{431, "http1.trailers_too_large"};
inline constexpr DecodeError kTooManyTrailers{431, "http1.too_many_trailers"};

// Answers only.
inline constexpr DecodeError kUnsolicitedAnswer{502, "http1.codec_error.unsolicited_answer"};
inline constexpr DecodeError kUnexpectedUpgrade{502, "http1.codec_error.unexpected_upgrade"};
inline constexpr DecodeError kTooManyInformational{502, "http1.codec_error.too_many_informational"};
inline constexpr std::string_view kIncompleteAnswerHead = "http1.incomplete_answer_head";
inline constexpr std::string_view kIncompleteAnswerBody = "http1.incomplete_answer_body";

// Whether the fault is one of size, not of form.
constexpr bool IsLimit(const DecodeError& error) { return error.status == 414 || error.status == 431; }

}  // namespace nuncio::http::h1
