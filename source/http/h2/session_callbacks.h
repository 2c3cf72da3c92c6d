#pragma once

#include "source/http/h2/session.h"

namespace nuncio::http::h2 {

// nghttp2's C callbacks, handed on to the session.
struct Session::Callbacks {
  // Immutable, shared by all threads, alive until the process ends.
  static const nghttp2_session_callbacks* Get();
  static ssize_t Read(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t length, uint32_t* flags,
                      nghttp2_data_source* source, void* user_data);

 private:
  static nghttp2_session_callbacks* Make();
  static Session& Self(void* user_data) { return *static_cast<Session*>(user_data); }
};

inline std::string_view View(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace nuncio::http::h2
