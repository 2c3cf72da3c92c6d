#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "tools/benchmark/native/poller.h"

namespace nuncio::benchmark {

// A connection of the backend. It trusts its peer, which is a proxy under test on loopback. Deletes itself at the end.
class Connection : public Handler {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() override;
  void OnEvents(uint32_t events) final;

 protected:
  enum class Next { kRead, kWait, kClose };

  // Takes what the peer has sent. kWait: nothing more is there, or more has to be written first.
  virtual Next Read() = 0;

  void Append(std::string_view bytes) { out_.append(bytes); }
  // `size` bytes of no meaning.
  void AppendFill(size_t size);
  // The same behind all that was appended, straight from a file. Nothing may be appended before they are sent.
  void SendFile(size_t size) { file_left_ = size; }

  bool HasOutput() const { return sent_ < out_.size() || file_left_ > 0; }
  // kRead: all is sent.
  Next Flush();
  // recv() that knows when nothing more can be there, and then costs no system call.
  ssize_t Receive(char* to, size_t size);
  // What a system call said: kRead where it moved bytes.
  static Next Outcome(ssize_t count);

  const int fd_;

 private:
  Next FlushFile();

  // In this event: the peer has closed its side; the last recv() did not fill its buffer.
  bool peer_closed_ = false;
  bool drained_ = false;

  std::string out_;
  size_t sent_ = 0;
  off_t file_offset_ = 0;
  size_t file_left_ = 0;
};

}  // namespace nuncio::benchmark
