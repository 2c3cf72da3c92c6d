#include "test/soak/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "test/soak/pattern.h"

namespace nuncio::soak {
namespace {

constexpr size_t kPiece = 64 * 1024;
constexpr size_t kMaxHead = 64 * 1024;

void SetUp(int fd) {
  const timeval patience{Peer::kPatienceSeconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view Head::Get(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

uint64_t Head::length() const { return strtoull(std::string(Get("content-length")).c_str(), nullptr, 10); }

Peer::Peer(int fd) : fd_(fd) { SetUp(fd); }

bool Peer::Connect(uint16_t port) {
  Close();
  error_.clear();
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Fail("socket");
  SetUp(fd_);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return Fail("connect");
  return true;
}

bool Peer::Stale() const {
  if (fd_ < 0 || taken_ < buffer_.size()) return true;
  pollfd poll_fd{fd_, POLLIN, 0};
  return poll(&poll_fd, 1, 0) != 0;
}

void Peer::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  buffer_.clear();
  taken_ = 0;
}

bool Peer::Fail(std::string_view what) {
  if (error_.empty()) {
    error_ = what;
    if (errno != 0) error_ += std::string(": ") + (errno == EAGAIN ? "waited too long" : strerror(errno));
  }
  Close();
  return false;
}

bool Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Fail("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Peer::SendPattern(uint64_t length, const std::function<uint64_t(uint64_t)>& pace) {
  for (uint64_t sent = 0; sent < length;) {
    const uint64_t allowed = pace == nullptr ? length : std::min(length, pace(sent));
    if (allowed <= sent) continue;
    const std::string_view piece = PatternAt(sent, std::min<uint64_t>(allowed - sent, kPiece));
    if (!Send(piece)) return false;
    sent += piece.size();
  }
  return true;
}

int Peer::Fill() {
  if (taken_ > 0) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  const size_t before = buffer_.size();
  buffer_.resize(before + kPiece);
  ssize_t got;
  do {
    got = recv(fd_, buffer_.data() + before, kPiece, 0);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) Fail("receive");
  return static_cast<int>(got);
}

bool Peer::ReadHead(Head& head) {
  head = {};
  size_t end;
  while ((end = buffer_.find("\r\n\r\n", taken_)) == std::string::npos) {
    errno = 0;
    if (buffer_.size() - taken_ > kMaxHead) return Fail("the head of the message is too long");
    const bool began = taken_ < buffer_.size();
    const int got = Fill();
    if (got < 0) return false;
    if (got == 0) {
      errno = 0;
      if (began) return Fail("closed within the head of the message");
      Close();
      return false;
    }
  }
  std::string_view text = std::string_view(buffer_).substr(taken_, end + 2 - taken_);
  while (!text.empty()) {
    const size_t eol = text.find("\r\n");
    const std::string_view line = text.substr(0, eol);
    text.remove_prefix(eol + 2);
    const size_t colon = line.find(':');
    if (head.start_line.empty()) {
      head.start_line = line;
    } else if (colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      head.fields.emplace_back(std::move(name), Trim(line.substr(colon + 1)));
    }
  }
  taken_ = end + 4;
  return true;
}

bool Peer::ReadText(uint64_t length, std::string& text) {
  text.clear();
  while (text.size() < length) {
    if (taken_ == buffer_.size()) {
      errno = 0;
      const int got = Fill();
      if (got < 0) return false;
      if (got == 0) return Fail("closed within a body");
    }
    const size_t count = std::min<uint64_t>(length - text.size(), buffer_.size() - taken_);
    text.append(buffer_, taken_, count);
    taken_ += count;
  }
  return true;
}

bool Peer::ReadPattern(uint64_t length, const std::function<uint64_t(uint64_t)>& pace) {
  for (uint64_t read = 0; read < length;) {
    if (pace != nullptr && std::min(length, pace(read)) <= read) continue;
    if (taken_ == buffer_.size()) {
      errno = 0;
      const int got = Fill();
      if (got < 0) return false;
      if (got == 0) return Fail("closed within a body, at byte " + std::to_string(read));
    }
    const size_t count = std::min<uint64_t>(length - read, buffer_.size() - taken_);
    if (!MatchesPattern(read, std::string_view(buffer_).substr(taken_, count))) {
      errno = 0;
      return Fail("the body is not what was sent, from byte " + std::to_string(read));
    }
    read += count;
    taken_ += count;
  }
  return true;
}

}  // namespace nuncio::soak
