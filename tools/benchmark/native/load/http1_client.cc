#include "tools/benchmark/native/load/http1_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <algorithm>

#include "tools/benchmark/native/load/load.h"

namespace nuncio::benchmark {

Http1Requests::Http1Requests(const Options& options) : body_(options.body, 'u') {
  // Prime, so that hosts that follow one another are not neighbours in the proxy's tables.
  constexpr int64_t kStride = 7919;
  for (int i = 0; i < std::max(options.hosts, 1); ++i) {
    std::string head = options.method + " " + options.path + " HTTP/1.1\r\nHost: ";
    head += options.hosts > 0 ? "host" + std::to_string(i * kStride % options.hosts) + ".example.com" : options.host;
    head += "\r\nUser-Agent: load/1.0\r\nAccept: */*\r\n";
    if (options.body > 0) head += "Content-Length: " + std::to_string(options.body) + "\r\n";
    if (options.close) head += "Connection: close\r\n";
    heads_.push_back(head + "\r\n");
  }
}

void Http1Client::Open() {
  // With a connection per request, Start() makes it.
  if (load_.options().close) return load_.OnSlot(this);
  Client::Open();
}

void Http1Client::OnOpen() {
  if (!load_.options().close) load_.OnSlot(this);
}

void Http1Client::Start(int64_t due) {
  busy_ = true;
  due_ = due;
  filled_ = 0;
  in_body_ = closes_ = false;
  head_ = requests_.NextHead();
  body_ = requests_.body();
  if (load_.options().close) Client::Open();
}

void Http1Client::Flush() {
  while (state_ == Stream::State::kOpen && !(head_.empty() && body_.empty())) {
    std::string_view& part = head_.empty() ? body_ : head_;
    const ssize_t count = stream_.Write(part, &part == &head_ && !body_.empty());
    if (count < 0) return Break();
    if (count == 0) return;
    part.remove_prefix(count);
  }
}

bool Http1Client::OnReadable() {
  for (;;) {
    if (in_body_) {
      const ssize_t count = stream_.Discard(body_left_);
      if (count <= 0) return count == 0;
      body_left_ -= count;
    } else {
      const ssize_t count = stream_.Read(in_ + filled_, kRoom - filled_);
      if (count <= 0) return count == 0;
      if (!busy_) return false;
      filled_ += count;
      const int taken = TakeHead();
      if (taken < 0) return false;
      if (taken == 0) continue;
      in_body_ = true;
    }
    if (body_left_ == 0) {
      Finish();
      // The next request is under way or the connection is gone: its answer is another event's.
      return true;
    }
  }
}

int Http1Client::TakeHead() {
  const void* end = memmem(in_, filled_, "\r\n\r\n", 4);
  if (end == nullptr) return filled_ == kRoom ? -1 : 0;
  const std::string_view head(in_, static_cast<const char*>(end) + 4 - in_);
  if (!head.starts_with("HTTP/1.1 200")) return -1;
  bool has_length = false;
  size_t length = 0;
  for (size_t line = head.find('\n') + 1; line < head.size(); line = head.find('\n', line) + 1) {
    const char* field = head.data() + line;
    if ((*field | 0x20) != 'c') continue;
    if (strncasecmp(field, "content-length:", 15) == 0) {
      has_length = true;
      length = strtoull(field + 15, nullptr, 10);
    } else if (strncasecmp(field, "connection: close", 17) == 0) {
      closes_ = true;
    }
  }
  const size_t here = filled_ - head.size();
  if (!has_length || here > length) return -1;
  body_left_ = length - here;
  return 1;
}

void Http1Client::Finish() {
  busy_ = in_body_ = false;
  filled_ = 0;
  load_.OnAnswer(due_);
  if (load_.options().close) {
    stream_.Close();
    state_ = Stream::State::kBroken;
    load_.OnSlot(this);
  } else if (closes_) {
    stream_.Close();
    Client::Open();
  } else {
    load_.OnSlot(this);
  }
}

void Http1Client::OnBroken() {
  if (busy_) load_.OnFailure();
  busy_ = false;
  if (load_.options().close) return load_.OnSlot(this);
  Client::Open();
}

}  // namespace nuncio::benchmark
