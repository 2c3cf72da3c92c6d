#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/header_id.h"

// What a message's fields must be (RFC 9113 8.2, 8.3), for either role. nghttp2 checks nothing of it, so that there is
// one place where it is done and one set of names for the faults.
namespace nuncio::http::h2 {

// Names of faults, for %RESPONSE_CODE_DETAILS%; stable. Envoy's, where it tells as much.
inline constexpr std::string_view kInvalidField = "http2.invalid.header.field";
inline constexpr std::string_view kMessagingRule = "http2.violation.of.messaging.rule";
inline constexpr std::string_view kTooManyHeaders = "http2.too_many_headers";
inline constexpr std::string_view kHeadersTooLarge = "http2.headers_too_large";
inline constexpr std::string_view kRemoteReset = "http2.remote_reset";
inline constexpr std::string_view kRemoteRefused = "http2.remote_refuse";
inline constexpr std::string_view kGoAwayRefused = "http2.goaway_refuse";
inline constexpr std::string_view kProtocolFault = "http2.protocol_error";
inline constexpr std::string_view kFlowControlFault = "http2.flow_control_error";
inline constexpr std::string_view kStreamClosedFault = "http2.stream_closed";
inline constexpr std::string_view kConnectionClosed = "http2.connection_closed";
inline constexpr std::string_view kEmptyFramesFlood = "http2.inbound_empty_frames_flood";
inline constexpr std::string_view kPriorityFramesFlood = "http2.inbound_priority_frames_flood";
inline constexpr std::string_view kSettingsFramesFlood = "http2.inbound_settings_frames_flood";
inline constexpr std::string_view kWindowUpdateFramesFlood = "http2.inbound_window_update_frames_flood";
inline constexpr std::string_view kTooManyHeaderFrames = "http2.too_many_header_frames";
inline constexpr std::string_view kPrematureResets = "http2.too_many_premature_resets";
inline constexpr std::string_view kOutboundFlood = "http2.outbound_frames_flood";
inline constexpr std::string_view kOutboundControlFlood = "http2.outbound_control_frames_flood";
inline constexpr std::string_view kHeaderListTooLarge = "http2.header_list_too_large";

// A regular field of any section. `id` is FindHeaderId(name). Empty, or the fault.
std::string_view CheckField(HeaderId id, std::string_view name, std::string_view value);

// Whether a pseudo-header's value can stand in an HTTP/1 request line or Host field: visible ASCII without delimiters.
bool IsTargetText(std::string_view value);

// RFC 9113 8.2.2: it belongs to one connection and has no place in HTTP/2; `te` is judged by its value.
bool BelongsToConnection(HeaderId id);

// RFC 9110 8.6: digits alone.
std::optional<uint64_t> ParseContentLength(std::string_view value);

}  // namespace nuncio::http::h2
