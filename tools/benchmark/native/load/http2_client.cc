#include "tools/benchmark/native/load/http2_client.h"

#include <string.h>

#include <algorithm>

#include "tools/benchmark/native/load/load.h"

namespace nuncio::benchmark {
namespace {

// Answers are not to wait for windows.
constexpr uint32_t kWindow = 1 << 30;
constexpr uint32_t kTableSize = 4096;
constexpr uint8_t kStatus200 = 0x88;

// What every request of a load says, in HPACK.
struct RequestBlocks {
  // Each field is added to the table, and then named by its place there.
  std::string first;
  std::string later;
};

RequestBlocks MakeBlocks(const Options& options) {
  constexpr uint8_t kLiteralIndexed = 0x40;
  constexpr uint8_t kIndexed = 0x80;
  constexpr int kStaticFields = 61;
  std::vector<std::pair<std::string, std::string>> fields = {
      {":method", options.method},
      {":scheme", options.tls ? "https" : "http"},
      {":authority", options.host},
      {":path", options.path},
      {"user-agent", "load/1.0"},
  };
  if (options.grpc) {
    fields.emplace_back("content-type", "application/grpc");
    fields.emplace_back("te", "trailers");
  }
  RequestBlocks blocks;
  for (size_t i = 0; i < fields.size(); ++i) {
    // Names and values are shorter than 127 bytes.
    blocks.first.push_back(static_cast<char>(kLiteralIndexed));
    for (const std::string& text : {fields[i].first, fields[i].second}) {
      blocks.first.push_back(static_cast<char>(text.size()));
      blocks.first += text;
    }
    blocks.later.push_back(static_cast<char>(kIndexed | (kStaticFields + fields.size() - i)));
  }
  return blocks;
}

std::string MakeBody(const Options& options) {
  if (!options.grpc) return std::string(options.body, 'u');
  constexpr size_t kMessageHead = 5;
  std::string body(1, '\0');
  http2::AppendNumber(body, options.body - kMessageHead, 4);
  return body + std::string(options.body - kMessageHead, 'u');
}

}  // namespace

void Http2Client::OnOpen() {
  next_stream_ = 1;
  greeted_ = going_away_ = false;
  window_ = http2::kDefaultWindow;
  consumed_ = filled_ = sent_ = 0;
  out_ = http2::kPreface;
  std::string settings;
  http2::AppendSetting(settings, http2::kEnablePush, 0);
  http2::AppendSetting(settings, http2::kInitialWindowSize, kWindow);
  http2::AppendFrame(out_, http2::kSettings, 0, 0, settings);
  http2::AppendWindowUpdate(out_, kWindow);
}

void Http2Client::Start(int64_t due) {
  waiting_.push_back(due);
  SendWaiting();
}

void Http2Client::SendWaiting() {
  static const RequestBlocks blocks = MakeBlocks(load_.options());
  static const std::string body = MakeBody(load_.options());
  while (!waiting_.empty() && window_ >= static_cast<int64_t>(body.size())) {
    const uint8_t end = body.empty() ? http2::kEndStream : 0;
    const std::string& block = next_stream_ == 1 ? blocks.first : blocks.later;
    http2::AppendFrame(out_, http2::kHeaders, http2::kEndHeaders | end, next_stream_, block);
    if (!body.empty()) http2::AppendFrame(out_, http2::kData, http2::kEndStream, next_stream_, body);
    window_ -= static_cast<int64_t>(body.size());
    requests_.push_back({next_stream_, waiting_.front(), false});
    waiting_.pop_front();
    next_stream_ += 2;
  }
}

void Http2Client::Flush() {
  while (state_ == Stream::State::kOpen && sent_ < out_.size()) {
    const ssize_t count = stream_.Write(std::string_view(out_).substr(sent_), false);
    if (count < 0) return Break();
    if (count == 0) return;
    sent_ += count;
  }
  out_.clear();
  sent_ = 0;
}

bool Http2Client::OnReadable() {
  for (;;) {
    const ssize_t count = stream_.Read(in_.data() + filled_, kRoom - filled_);
    if (count <= 0) return count == 0;
    filled_ += count;
    std::string_view bytes(in_.data(), filled_);
    http2::Frame frame;
    while (http2::TakeFrame(bytes, frame)) {
      if (!OnFrame(frame)) return false;
    }
    filled_ = bytes.size();
    if (filled_ > 0) memmove(in_.data(), bytes.data(), filled_);
    if (going_away_ && requests_.empty()) return false;
  }
}

bool Http2Client::OnFrame(const http2::Frame& frame) {
  switch (frame.type) {
    case http2::kSettings:
      return frame.has(http2::kAck) || OnSettings(frame.payload);
    case http2::kPing:
      if (!frame.has(http2::kAck)) http2::AppendFrame(out_, http2::kPing, http2::kAck, 0, frame.payload);
      return true;
    case http2::kGoAway:
      going_away_ = true;
      return true;
    case http2::kWindowUpdate:
      if (frame.stream == 0) window_ += http2::ReadNumber(frame.payload, 4);
      SendWaiting();
      return true;
    case http2::kData:
    case http2::kHeaders:
    case http2::kResetStream:
      return OnRequestFrame(frame);
    default:
      return true;
  }
}

bool Http2Client::OnSettings(std::string_view settings) {
  for (; settings.size() >= 6; settings.remove_prefix(6)) {
    const uint32_t value = http2::ReadNumber(settings.substr(2), 4);
    // The blocks of the requests need the table.
    if (http2::ReadNumber(settings, 2) == http2::kHeaderTableSize && value < kTableSize) return false;
  }
  http2::AppendFrame(out_, http2::kSettings, http2::kAck, 0, {});
  if (!greeted_) {
    greeted_ = true;
    for (int i = 0; i < load_.options().streams; ++i) load_.OnSlot(this);
  }
  return true;
}

bool Http2Client::OnRequestFrame(const http2::Frame& frame) {
  consumed_ += frame.type == http2::kData ? frame.payload.size() : 0;
  if (consumed_ > kWindow / 2) {
    http2::AppendWindowUpdate(out_, consumed_);
    consumed_ = 0;
  }
  const auto request = std::find_if(requests_.begin(), requests_.end(),
                                    [&](const Request& each) { return each.stream == frame.stream; });
  if (request == requests_.end()) return false;
  if (frame.type == http2::kHeaders && !request->answered) {
    // Updates of the table's size may stand in front of the fields.
    std::string_view block = frame.payload;
    while (!block.empty() && (block[0] & 0xe0) == 0x20) block.remove_prefix(1);
    if (block.empty() || static_cast<uint8_t>(block[0]) != kStatus200) return false;
    request->answered = true;
  }
  const bool reset = frame.type == http2::kResetStream;
  if (!reset && !frame.has(http2::kEndStream)) return true;
  const int64_t due = request->due;
  const bool good = request->answered && !reset;
  *request = requests_.back();
  requests_.pop_back();
  if (good) {
    load_.OnAnswer(due);
  } else {
    load_.OnFailure();
  }
  if (!going_away_) load_.OnSlot(this);
  return true;
}

void Http2Client::OnBroken() {
  for (size_t i = 0; i < requests_.size() + waiting_.size(); ++i) load_.OnFailure();
  requests_.clear();
  waiting_.clear();
  Open();
}

}  // namespace nuncio::benchmark
