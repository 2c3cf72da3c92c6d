// The load on a proxy: HTTP/1.1 or HTTP/2, with or without TLS, in a closed loop or at a fixed rate, where latency
// counts from the time a request was due. One thread. options.h has its flags.

#include "tools/benchmark/native/load/load.h"
#include "tools/benchmark/native/load/options.h"
#include "tools/benchmark/native/sockets.h"

int main(int argc, char** argv) {
  nuncio::benchmark::RaiseDescriptorLimit();
  nuncio::benchmark::Load(nuncio::benchmark::ParseOptions(argc, argv)).Run();
}
