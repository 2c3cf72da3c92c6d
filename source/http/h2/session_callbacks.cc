#include "source/http/h2/session_callbacks.h"

#include <new>

namespace nuncio::http::h2 {

const nghttp2_session_callbacks* Session::Callbacks::Get() {
  static const nghttp2_session_callbacks* const callbacks = Make();
  return callbacks;
}

nghttp2_session_callbacks* Session::Callbacks::Make() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
        Self(user_data).OnBeginFrame(*header);
        return 0;
      });
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
        Self(user_data).OnBeginHeaders(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
                    const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
        return Self(user_data).OnHeader(View(name, name_size), View(value, value_size));
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user_data) {
        Self(user_data).OnDataChunk(id, View(bytes, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
        Self(user_data).OnFrame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, int error, void* user_data) {
        Self(user_data).OnInvalidFrame(error);
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t id, uint32_t error_code, void* user_data) {
        Session& self = Self(user_data);
        if (Stream* stream = self.Find(id)) self.RetireUnlessOver(*stream, error_code);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
        Self(user_data).OnFrameSent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_not_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user_data) {
        Self(user_data).OnFrameNotSent(*frame, error);
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks, [](nghttp2_session*, nghttp2_frame* frame, const uint8_t* header, size_t length,
                    nghttp2_data_source*, void* user_data) {
        return Self(user_data).WriteBody(frame->hd.stream_id, header, length);
      });
  return callbacks;
}

ssize_t Session::Callbacks::Read(nghttp2_session*, int32_t id, uint8_t*, size_t length, uint32_t* flags,
                                 nghttp2_data_source*, void* user_data) {
  return Self(user_data).ReadBody(id, length, flags);
}

}  // namespace nuncio::http::h2
