#pragma once

#include <cstdint>

#include "tools/benchmark/native/load/stream.h"
#include "tools/benchmark/native/poller.h"

namespace nuncio::benchmark {

class Load;

// One connection of the load, made anew whenever it ends. Times are those of Now().
class Client : public Handler {
 public:
  explicit Client(Load& load) : load_(load) {}

  // Connects, and reports its slots to the load when requests may be started.
  virtual void Open();
  // Begins a request that was due at `due`, in a slot that was reported free.
  virtual void Start(int64_t due) = 0;
  // Sends what Start() left to be sent.
  virtual void Flush() = 0;

  void OnEvents(uint32_t events) final;

  // Grows with every connection: slots of an earlier one are void.
  uint32_t generation() const { return generation_; }

 protected:
  virtual void OnOpen() = 0;
  // Reads until there is nothing more. False: the connection is broken.
  virtual bool OnReadable() = 0;
  // Requests under way fail.
  virtual void OnBroken() = 0;

  void Break();

  Load& load_;
  Stream stream_;
  Stream::State state_ = Stream::State::kBroken;

 private:
  uint32_t generation_ = 0;
};

}  // namespace nuncio::benchmark
