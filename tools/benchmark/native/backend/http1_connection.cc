#include "tools/benchmark/native/backend/http1_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>

namespace nuncio::benchmark {
namespace {

// Larger bodies are worth a system call of their own that copies nothing.
constexpr size_t kMaxCopied = 8 * 1024;
constexpr size_t kMaxDiscard = 1 << 20;

// The value of a field as a number; 0 where it is not there. `name` with its colon.
size_t Number(std::string_view head, std::string_view name) {
  for (size_t line = head.find('\n'); line != head.npos && line + 1 + name.size() < head.size();
       line = head.find('\n', line + 1)) {
    const char* field = head.data() + line + 1;
    if (strncasecmp(field, name.data(), name.size()) == 0) return strtoull(field + name.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

Connection::Next Http1Connection::Read() {
  if (owes_reply_) return Discard();
  if (filled_ > 0 && TakeRequest()) {
    // Pipelined requests are answered by one write, unless a body is to be discarded first.
    while (!owes_reply_ && reply_size_ <= kMaxCopied && filled_ > 0 && TakeRequest()) {
    }
    return owes_reply_ ? Next::kRead : Flush();
  }
  if (filled_ == kRoom) return Next::kClose;
  const ssize_t count = Receive(in_ + filled_, kRoom - filled_);
  if (count > 0) filled_ += count;
  return Outcome(count);
}

bool Http1Connection::TakeRequest() {
  const void* end = memmem(in_, filled_, "\r\n\r\n", 4);
  if (end == nullptr) return false;
  const std::string_view head(in_, static_cast<const char*>(end) + 4 - in_);
  const size_t path = head.find("/b/");
  reply_size_ = path == head.npos ? 128 : strtoull(head.data() + path + 3, nullptr, 10);
  discard_ = head[0] == 'P' ? Number(head, "content-length:") : 0;
  Drop(head.size());
  const size_t here = std::min(discard_, filled_);
  discard_ -= here;
  Drop(here);
  owes_reply_ = discard_ > 0;
  if (!owes_reply_) Reply();
  return true;
}

void Http1Connection::Drop(size_t size) {
  filled_ -= size;
  if (filled_ > 0) memmove(in_, in_ + size, filled_);
}

Connection::Next Http1Connection::Discard() {
  while (discard_ > 0) {
    // With MSG_TRUNC, TCP drops the bytes without copying them.
    const ssize_t count = recv(fd_, nullptr, std::min(discard_, kMaxDiscard), MSG_TRUNC);
    if (count <= 0) return Outcome(count);
    discard_ -= count;
  }
  owes_reply_ = false;
  Reply();
  return Flush();
}

void Http1Connection::Reply() {
  char head[128];
  const int size = snprintf(head, sizeof(head),
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", reply_size_);
  Append({head, static_cast<size_t>(size)});
  if (reply_size_ <= kMaxCopied) {
    AppendFill(reply_size_);
  } else {
    SendFile(reply_size_);
  }
}

}  // namespace nuncio::benchmark
