#include "source/http/codec.h"

namespace nuncio::http {

std::string_view StreamResetName(StreamReset reset) {
  switch (reset) {
    case StreamReset::kLocal:
      return "local_reset";
    case StreamReset::kRemote:
      return "remote_reset";
    case StreamReset::kRemoteRefused:
      return "remote_refused_stream_reset";
    case StreamReset::kConnectionClosed:
      return "connection_termination";
    case StreamReset::kProtocolError:
      return "protocol_error";
    case StreamReset::kLimit:
      return "overflow";
    case StreamReset::kConnectError:
      return "connection_failure";
  }
  return "";
}

}  // namespace nuncio::http
