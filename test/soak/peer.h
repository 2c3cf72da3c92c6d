#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nuncio::soak {

// The head of an HTTP/1.1 message. Names in lower case.
struct Head {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> fields;

  // Empty: not there.
  std::string_view Get(std::string_view name) const;
  // Content-Length; 0 where there is none.
  uint64_t length() const;
  // The sender closes after this message.
  bool closes() const { return Get("connection") == "close"; }
};

// One end of a TCP connection that speaks HTTP/1.1 with blocking calls, bodies by Content-Length only. The first thing
// that goes wrong is kept in error(), and every later call fails. One thread.
class Peer {
 public:
  // How long one call may wait for the other end.
  static constexpr int kPatienceSeconds = 60;

  Peer() = default;
  explicit Peer(int fd);
  ~Peer() { Close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // To a port of 127.0.0.1.
  bool Connect(uint16_t port);
  bool open() const { return fd_ >= 0; }
  // True where the other end has closed, or sent what nobody asked for: no request may follow.
  bool Stale() const;
  void Close();

  bool Send(std::string_view bytes);
  // `pace` is asked before each piece how many bytes may be sent by now, and may wait; null: all.
  bool SendPattern(uint64_t length, const std::function<uint64_t(uint64_t sent)>& pace = nullptr);

  // False without an error() where the other end closed in front of the message.
  bool ReadHead(Head& head);
  bool ReadText(uint64_t length, std::string& text);
  // Reads and compares; `pace` as above, for bytes read.
  bool ReadPattern(uint64_t length, const std::function<uint64_t(uint64_t read)>& pace = nullptr);

  // What failed, e.g. "connect: Connection refused". Empty: nothing.
  const std::string& error() const { return error_; }

 private:
  bool Fail(std::string_view what);
  // Appends to buffer_. 0: the other end closed; < 0: failed.
  int Fill();

  int fd_ = -1;
  // Bytes received and not yet taken: buffer_[taken_..].
  std::string buffer_;
  size_t taken_ = 0;
  std::string error_;
};

}  // namespace nuncio::soak
