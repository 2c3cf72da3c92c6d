#include "source/xds/memory_return.h"

#include "source/base/process_memory.h"

namespace nuncio::xds {

MemoryReturn::MemoryReturn(event::EventLoop& loop, ConfigThread& thread)
    : thread_(thread), settle_(loop, Delegate<void()>::Bind<&MemoryReturn::OnSettled>(this)) {}

void MemoryReturn::OnCompiled(size_t bytes) {
  compiled_ += bytes;
  if (compiled_ >= kMuch && !settle_.armed()) settle_.Arm(kSettle);
}

void MemoryReturn::OnSettled() {
  compiled_ = 0;
  // Takes milliseconds where much was freed.
  thread_.Run([]() -> ConfigThread::Then {
    ReturnFreedMemory();
    return {};
  });
}

}  // namespace nuncio::xds
