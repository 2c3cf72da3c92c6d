#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Why an answer is not simply the upstream's: X(identifier, short name, long name). The short names are those that
// Envoy prints, so that queries over logs keep working.
#define NUNCIO_RESPONSE_FLAGS(X)                                                       \
  X(NoHealthyUpstream, "UH", "NoHealthyUpstream")                                      \
  X(UpstreamConnectionFailure, "UF", "UpstreamConnectionFailure")                      \
  X(UpstreamOverflow, "UO", "UpstreamOverflow")                                        \
  X(NoRouteFound, "NR", "NoRouteFound")                                                \
  X(UpstreamRetryLimitExceeded, "URX", "UpstreamRetryLimitExceeded")                   \
  X(NoClusterFound, "NC", "NoClusterFound")                                            \
  X(DurationTimeout, "DT", "DurationTimeout")                                          \
  X(DownstreamConnectionTermination, "DC", "DownstreamConnectionTermination")          \
  X(LocalReset, "LR", "LocalReset")                                                    \
  X(UpstreamRequestTimeout, "UT", "UpstreamRequestTimeout")                            \
  X(UpstreamRemoteReset, "UR", "UpstreamRemoteReset")                                  \
  X(UpstreamConnectionTermination, "UC", "UpstreamConnectionTermination")              \
  X(UpstreamMaxStreamDurationReached, "UMSDR", "UpstreamMaxStreamDurationReached")     \
  X(StreamIdleTimeout, "SI", "StreamIdleTimeout")                                      \
  X(DownstreamProtocolError, "DPE", "DownstreamProtocolError")                         \
  X(UpstreamProtocolError, "UPE", "UpstreamProtocolError")                             \
  X(InvalidEnvoyRequestHeaders, "IH", "InvalidEnvoyRequestHeaders")                    \
  X(OverloadManager, "OM", "OverloadManagerTerminated")

namespace nuncio::access_log {

enum class ResponseFlag : uint8_t {
#define X(identifier, short_name, long_name) k##identifier,
  NUNCIO_RESPONSE_FLAGS(X)
#undef X
      kCount,
};

class ResponseFlags {
 public:
  void Set(ResponseFlag flag) { bits_ |= uint32_t{1} << static_cast<int>(flag); }
  bool Has(ResponseFlag flag) const { return (bits_ & (uint32_t{1} << static_cast<int>(flag))) != 0; }
  bool any() const { return bits_ != 0; }
  uint32_t bits() const { return bits_; }

 private:
  uint32_t bits_ = 0;
};

// "UF,URX"; appends "-" where there is none.
void AppendShortNames(ResponseFlags flags, std::string& out);
void AppendLongNames(ResponseFlags flags, std::string& out);

// False where this proxy has no such flag.
bool FindResponseFlag(std::string_view short_name, ResponseFlag* flag);

}  // namespace nuncio::access_log
