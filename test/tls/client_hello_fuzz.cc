#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "source/tls/client_hello.h"

// Whatever arrives, the parser ends in one state, and what it said of the whole it never takes back for a part of it: a
// prefix is incomplete, or has the same outcome.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nuncio::tls::ClientHello;
  using nuncio::tls::HelloState;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ClientHello hello;
  const HelloState state = nuncio::tls::ParseClientHello(bytes, nuncio::tls::kMaxClientHello, &hello);
  if (state == HelloState::kComplete) {
    hello.Ja3();
    hello.Ja4();
  }
  for (size_t n = 0; n < size && n < 600; ++n) {
    ClientHello part;
    const HelloState before = nuncio::tls::ParseClientHello(bytes.substr(0, n), nuncio::tls::kMaxClientHello, &part);
    if (before == HelloState::kIncomplete) continue;
    if (before != state) abort();
    if (state == HelloState::kComplete && part.Ja4() != hello.Ja4()) abort();
    break;
  }
  return 0;
}
