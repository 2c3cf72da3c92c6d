#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/benchmark/native/load/client.h"

namespace nuncio::benchmark {

struct Options;

// The requests of a load, written once.
class Http1Requests {
 public:
  explicit Http1Requests(const Options& options);
  // The heads, of one host after the other.
  std::string_view NextHead() { return heads_[next_++ % heads_.size()]; }
  std::string_view body() const { return body_; }

 private:
  std::vector<std::string> heads_;
  std::string body_;
  size_t next_ = 0;
};

// HTTP/1.1, one request at a time.
class Http1Client final : public Client {
 public:
  Http1Client(Load& load, Http1Requests& requests) : Client(load), requests_(requests) {}

  void Open() override;
  void Start(int64_t due) override;
  void Flush() override;

 private:
  static constexpr size_t kRoom = 16 * 1024;

  void OnOpen() override;
  bool OnReadable() override;
  void OnBroken() override;
  // < 0: no answer that counts; 0: not all of it is there; > 0: it is read, and body_left_ is known.
  int TakeHead();
  void Finish();

  Http1Requests& requests_;
  bool busy_ = false;
  int64_t due_ = 0;
  // Still to be sent.
  std::string_view head_;
  std::string_view body_;

  char in_[kRoom];
  size_t filled_ = 0;
  bool in_body_ = false;
  bool closes_ = false;
  size_t body_left_ = 0;
};

}  // namespace nuncio::benchmark
