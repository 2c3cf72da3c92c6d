#include "test/http/h2/server_peer.h"

#include <algorithm>
#include <cstring>

namespace nuncio::http::h2 {
namespace {

// Names are not copied by nghttp2, so that it leaves capitals as they are; they are kept in `names`.
std::vector<nghttp2_nv> Block(const Fields& fields, std::deque<std::string>& names) {
  std::vector<nghttp2_nv> block;
  for (const auto& [text, value] : fields) {
    const std::string& name = names.emplace_back(text);
    block.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                     NGHTTP2_NV_FLAG_NO_COPY_NAME});
  }
  return block;
}

}  // namespace

struct ServerPeer::Callbacks {
  static ServerPeer& Self(void* user_data) { return *static_cast<ServerPeer*>(user_data); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
    Request& request = Self(user_data).requests[frame->hd.stream_id];
    Fields& fields = frame->headers.cat == NGHTTP2_HCAT_REQUEST ? request.headers : request.trailers;
    fields.emplace_back(std::string(reinterpret_cast<const char*>(name), name_size),
                        std::string(reinterpret_cast<const char*>(value), value_size));
    return 0;
  }

  static int OnDataChunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
                         void* user_data) {
    ServerPeer& self = Self(user_data);
    self.requests[id].body.append(reinterpret_cast<const char*>(data), size);
    self.data_received += size;
    if (self.credit_) nghttp2_session_consume(session, id, size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    ServerPeer& self = Self(user_data);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) self.requests[frame->hd.stream_id].ended = true;
        break;
      case NGHTTP2_RST_STREAM:
        self.requests[frame->hd.stream_id].reset = true;
        self.requests[frame->hd.stream_id].reset_code = frame->rst_stream.error_code;
        break;
      case NGHTTP2_SETTINGS:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) ++self.settings_acks;
        break;
      case NGHTTP2_GOAWAY:
        ++self.goaways;
        self.goaway_code = frame->goaway.error_code;
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
          uint64_t opaque;
          memcpy(&opaque, frame->ping.opaque_data, 8);
          self.pings.push_back(opaque);
        }
        break;
      default:
        break;
    }
    return 0;
  }

  static ssize_t Read(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t length, uint32_t* flags,
                      nghttp2_data_source*, void* user_data) {
    Answer& answer = Self(user_data).answers_[id];
    const size_t n = std::min(length, answer.body.size() - answer.sent);
    if (n == 0 && !answer.ended) return NGHTTP2_ERR_DEFERRED;
    memcpy(buffer, answer.body.data() + answer.sent, n);
    answer.sent += n;
    if (answer.sent == answer.body.size() && answer.ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!answer.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> block = Block(answer.trailers, Self(user_data).names_);
        nghttp2_submit_trailer(session, id, block.data(), block.size());
      }
    }
    return static_cast<ssize_t>(n);
  }
};

std::string ServerPeer::Request::Header(std::string_view name) const {
  for (const auto& [n, v] : headers) {
    if (n == name) return v;
  }
  return "<none>";
}

ServerPeer::ServerPeer(const Options& options) : credit_(options.credit) {
  nghttp2_session_callbacks* callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnDataChunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_option* option;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_stream_reset_rate_limit(option, 1000000, 1000000);
  nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  std::vector<nghttp2_settings_entry> entries = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(options.stream_window)}};
  if (options.max_concurrent_streams > 0) {
    entries.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams});
  }
  Settings(entries);
}

ServerPeer::~ServerPeer() { nghttp2_session_del(session_); }

bool ServerPeer::Feed(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) ==
         static_cast<ssize_t>(bytes.size());
}

std::string ServerPeer::Take() {
  std::string out;
  const uint8_t* bytes;
  ssize_t n;
  while ((n = nghttp2_session_mem_send(session_, &bytes)) > 0) {
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
  }
  return out;
}

void ServerPeer::Settings(const std::vector<nghttp2_settings_entry>& entries) {
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
}

void ServerPeer::Informational(int32_t id, const Fields& fields) {
  const std::vector<nghttp2_nv> block = Block(fields, names_);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, block.data(), block.size(), nullptr);
}

void ServerPeer::Respond(int32_t id, const Fields& fields, bool end_stream) {
  const std::vector<nghttp2_nv> block = Block(fields, names_);
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::Read;
  nghttp2_submit_response(session_, id, block.data(), block.size(), end_stream ? nullptr : &provider);
}

void ServerPeer::Body(int32_t id, std::string_view bytes, bool end_stream) {
  answers_[id].body.append(bytes);
  answers_[id].ended = end_stream;
  nghttp2_session_resume_data(session_, id);
}

void ServerPeer::Trailers(int32_t id, const Fields& fields) {
  answers_[id].ended = true;
  answers_[id].trailers = fields;
  nghttp2_session_resume_data(session_, id);
}

void ServerPeer::Reset(int32_t id, uint32_t error_code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error_code);
}

void ServerPeer::GoAway(int32_t last_stream_id) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream_id, NGHTTP2_NO_ERROR, nullptr, 0);
}

void ServerPeer::Credit(int32_t id, size_t bytes) { nghttp2_session_consume(session_, id, bytes); }

size_t ServerPeer::unsent(int32_t id) const {
  const auto answer = answers_.find(id);
  return answer == answers_.end() ? 0 : answer->second.body.size() - answer->second.sent;
}

std::string ServerPeer::Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame.push_back(static_cast<char>(payload.size() >> shift));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(stream_id >> shift));
  frame.append(payload);
  return frame;
}

}  // namespace nuncio::http::h2
