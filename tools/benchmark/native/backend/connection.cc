#include "tools/benchmark/native/backend/connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

constexpr size_t kFileSize = 4 << 20;

int File() {
  static const int fd = [] {
    const int file = memfd_create("body", MFD_CLOEXEC);
    const std::string content(kFileSize, 'x');
    if (file < 0 || write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size())) Die("memfd");
    return file;
  }();
  return fd;
}

}  // namespace

Connection::~Connection() { close(fd_); }

void Connection::AppendFill(size_t size) { out_.append(size, 'x'); }

Connection::Next Connection::Outcome(ssize_t count) {
  if (count > 0) return Next::kRead;
  return count < 0 && errno == EAGAIN ? Next::kWait : Next::kClose;
}

ssize_t Connection::Receive(char* to, size_t size) {
  if (drained_) {
    errno = EAGAIN;
    return -1;
  }
  const ssize_t count = recv(fd_, to, size, 0);
  drained_ = count > 0 && count < static_cast<ssize_t>(size) && !peer_closed_;
  return count;
}

Connection::Next Connection::Flush() {
  while (sent_ < out_.size()) {
    const int more = file_left_ > 0 ? MSG_MORE : 0;
    const ssize_t count = send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | more);
    if (count < 0) return Outcome(count);
    sent_ += count;
  }
  out_.clear();
  sent_ = 0;
  return FlushFile();
}

Connection::Next Connection::FlushFile() {
  while (file_left_ > 0) {
    const size_t piece = std::min<size_t>(file_left_, kFileSize - file_offset_);
    const ssize_t count = sendfile(fd_, File(), &file_offset_, piece);
    if (count <= 0) return Outcome(count);
    file_left_ -= count;
    if (file_offset_ == static_cast<off_t>(kFileSize)) file_offset_ = 0;
  }
  return Next::kRead;
}

void Connection::OnEvents(uint32_t events) {
  peer_closed_ = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  drained_ = false;
  Next next = Flush();
  while (next == Next::kRead) next = Read();
  if (next == Next::kClose) delete this;
}

}  // namespace nuncio::benchmark
