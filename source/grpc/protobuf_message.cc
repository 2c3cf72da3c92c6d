#include "source/grpc/protobuf_message.h"

#include <algorithm>
#include <climits>
#include <string_view>
#include <vector>

#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/message_lite.h"

namespace nuncio::grpc {
namespace {

// The runs of a buffer, as protobuf reads them.
class BufferInput final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit BufferInput(const buffer::Buffer& data) {
    data.ForEachRun([this](std::string_view run) { runs_.push_back(run); });
  }

  bool Next(const void** data, int* size) override {
    if (at_ == runs_.size()) return false;
    const std::string_view run = runs_[at_].substr(offset_).substr(0, INT_MAX);
    *data = run.data();
    *size = static_cast<int>(run.size());
    Advance(run.size());
    return true;
  }

  void BackUp(int count) override {
    // Never more than the last run given out, which Advance may have left behind.
    if (offset_ == 0) {
      --at_;
      offset_ = runs_[at_].size();
    }
    offset_ -= static_cast<size_t>(count);
    bytes_ -= count;
  }

  bool Skip(int count) override {
    size_t left = static_cast<size_t>(count);
    while (left > 0 && at_ < runs_.size()) {
      const size_t n = std::min(left, runs_[at_].size() - offset_);
      Advance(n);
      left -= n;
    }
    return left == 0;
  }

  int64_t ByteCount() const override { return bytes_; }

 private:
  void Advance(size_t size) {
    bytes_ += static_cast<int64_t>(size);
    offset_ += size;
    if (offset_ < runs_[at_].size()) return;
    ++at_;
    offset_ = 0;
  }

  std::vector<std::string_view> runs_;
  size_t at_ = 0;
  size_t offset_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

bool AppendProtobuf(const google::protobuf::MessageLite& message, buffer::Buffer& out) {
  const size_t size = message.ByteSizeLong();
  if (size > INT_MAX) return false;
  if (size == 0) return true;
  char* to = out.Reserve(size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to));
  out.Commit(size);
  return true;
}

bool ParseProtobuf(const buffer::Buffer& data, google::protobuf::MessageLite& message) {
  BufferInput input(data);
  return message.ParseFromZeroCopyStream(&input);
}

}  // namespace nuncio::grpc
