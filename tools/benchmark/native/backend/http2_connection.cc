#include "tools/benchmark/native/backend/http2_connection.h"

#include <string.h>

namespace nuncio::benchmark {
namespace {

using namespace std::string_view_literals;

constexpr int64_t kBodySize = 128;
constexpr uint32_t kWindow = 1 << 30;
constexpr uint32_t kStreams = 1000;
// RFC 7541: `:status: 200` by its index; content-type without indexing; grpc-status by a new name.
constexpr std::string_view kHead = "\x88\x0f\x10\x10" "application/grpc"sv;
constexpr std::string_view kTrailers = "\x00\x0b" "grpc-status" "\x01" "0"sv;

}  // namespace

void Http2Connection::SendFrame(http2::Type type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  http2::AppendFrame(frame, type, flags, stream, payload);
  Append(frame);
}

Connection::Next Http2Connection::Read() {
  const ssize_t count = Receive(in_ + filled_, kRoom - filled_);
  if (count <= 0) return Outcome(count);
  filled_ += count;
  std::string_view bytes(in_, filled_);
  if (!greeted_) {
    if (bytes.size() < http2::kPreface.size()) return Next::kRead;
    bytes.remove_prefix(http2::kPreface.size());
    greeted_ = true;
    std::string settings;
    http2::AppendSetting(settings, http2::kMaxConcurrentStreams, kStreams);
    http2::AppendSetting(settings, http2::kInitialWindowSize, kWindow);
    SendFrame(http2::kSettings, 0, 0, settings);
    std::string update;
    http2::AppendWindowUpdate(update, kWindow);
    Append(update);
  }
  http2::Frame frame;
  while (http2::TakeFrame(bytes, frame)) OnFrame(frame);
  filled_ = bytes.size();
  if (filled_ > 0) memmove(in_, bytes.data(), filled_);
  return Flush();
}

void Http2Connection::OnFrame(const http2::Frame& frame) {
  if (frame.type == http2::kData) {
    consumed_ += frame.payload.size();
    if (consumed_ > kWindow / 2) {
      std::string update;
      http2::AppendWindowUpdate(update, consumed_);
      Append(update);
      consumed_ = 0;
    }
  } else if (frame.type == http2::kSettings && !frame.has(http2::kAck)) {
    SendFrame(http2::kSettings, http2::kAck, 0, {});
  } else if (frame.type == http2::kPing && !frame.has(http2::kAck)) {
    SendFrame(http2::kPing, http2::kAck, 0, frame.payload);
  } else if (frame.type == http2::kWindowUpdate && frame.stream == 0) {
    window_ += http2::ReadNumber(frame.payload, 4);
    std::string waiting;
    waiting.swap(waiting_);
    for (size_t i = 0; i < waiting.size(); i += 4) Reply(http2::ReadNumber(std::string_view(waiting).substr(i), 4));
  }
  const bool of_request = frame.type == http2::kData || frame.type == http2::kHeaders;
  if (of_request && frame.has(http2::kEndStream)) Reply(frame.stream);
}

void Http2Connection::Reply(uint32_t stream) {
  if (window_ < kBodySize) return http2::AppendNumber(waiting_, stream, 4);
  window_ -= kBodySize;
  static const std::string body(kBodySize, 'x');
  SendFrame(http2::kHeaders, http2::kEndHeaders, stream, kHead);
  SendFrame(http2::kData, 0, stream, body);
  SendFrame(http2::kHeaders, http2::kEndHeaders | http2::kEndStream, stream, kTrailers);
}

}  // namespace nuncio::benchmark
