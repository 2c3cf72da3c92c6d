#include "tools/benchmark/native/load/client.h"

#include <sys/epoll.h>

#include "tools/benchmark/native/load/load.h"
#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {

void Client::Open() {
  ++generation_;
  state_ = Stream::State::kEstablishing;
  if (!stream_.Open(load_.options().port, load_.tls(), load_.options().host.c_str())) {
    Die("the proxy takes no connection");
  }
  load_.Watch(stream_.fd(), this);
}

void Client::Break() {
  stream_.Close();
  state_ = Stream::State::kBroken;
  OnBroken();
}

void Client::OnEvents(uint32_t events) {
  if (state_ == Stream::State::kBroken) return;
  if (state_ == Stream::State::kEstablishing) {
    state_ = stream_.Establish();
    if (state_ == Stream::State::kBroken) return Break();
    if (state_ == Stream::State::kEstablishing) return;
    if (!stream_.speaks(load_.protocol())) Die("the proxy chose another protocol than the one offered");
    OnOpen();
  } else {
    // Of use where a write found no room.
    Flush();
  }
  if (state_ == Stream::State::kOpen && (events & ~EPOLLOUT) != 0 && !OnReadable()) return Break();
  if (state_ == Stream::State::kOpen) Flush();
}

}  // namespace nuncio::benchmark
