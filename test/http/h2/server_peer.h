#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/http/h2/frames.h"

namespace nuncio::http::h2 {



// The other end of a client codec under test: nghttp2's own server session, which records requests and says what it
// is told to, well-formed or not. Memory to memory.
class ServerPeer {
 public:
  struct Options {
    // Bytes of this server's receive windows; credited at once unless `credit` is false.
    int32_t stream_window = 65535;
    bool credit = true;
    // 0: SETTINGS does not name it.
    uint32_t max_concurrent_streams = 0;
  };
  struct Request {
    Fields headers;
    Fields trailers;
    std::string body;
    bool ended = false;
    bool reset = false;
    uint32_t reset_code = 0;
    std::string Header(std::string_view name) const;
  };

  explicit ServerPeer(const Options& options);
  ServerPeer() : ServerPeer(Options{}) {}
  ~ServerPeer();

  // Returns false on an error that ends the session.
  bool Feed(std::string_view bytes);
  // All that waits to be sent.
  std::string Take();

  void Settings(const std::vector<nghttp2_settings_entry>& entries);
  void Informational(int32_t id, const Fields& fields);
  void Respond(int32_t id, const Fields& fields, bool end_stream);
  // After Respond(..., false): more of the body.
  void Body(int32_t id, std::string_view bytes, bool end_stream);
  void Trailers(int32_t id, const Fields& fields);
  void Reset(int32_t id, uint32_t error_code);
  void GoAway(int32_t last_stream_id);
  void Credit(int32_t id, size_t bytes);
  // The client's windows, as this server sees them.
  int32_t stream_window_left(int32_t id) const { return nghttp2_session_get_stream_remote_window_size(session_, id); }
  int32_t connection_window_left() const { return nghttp2_session_get_remote_window_size(session_); }

  std::map<int32_t, Request> requests;
  int settings_acks = 0;
  int goaways = 0;
  uint32_t goaway_code = 0;
  std::vector<uint64_t> pings;
  // Body bytes that wait for the client's windows.
  size_t unsent(int32_t id) const;
  // Bytes of DATA payload received in all.
  size_t data_received = 0;

  // A frame as it stands on the wire.
  static std::string Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload);

 private:
  struct Answer {
    std::string body;
    size_t sent = 0;
    bool ended = false;
    Fields trailers;
  };
  struct Callbacks;

  nghttp2_session* session_ = nullptr;
  bool credit_;
  std::map<int32_t, Answer> answers_;
  std::deque<std::string> names_;
};

}  // namespace nuncio::http::h2
