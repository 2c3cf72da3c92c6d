#pragma once

#include <string>
#include <vector>

namespace nuncio::soak {

// Serves HTTP/1.1 on a port of 127.0.0.1 for each of `names`, prints "NAME PORT" lines, and never returns. Each answer
// carries the backend's name in `x-backend`.
//   GET /bytes/N        N bytes of the pattern
//   POST anything       "N bytes" where the body is N bytes of the pattern; 400 with what is wrong otherwise
//   POST ...?stall=S&every=N   as above; reads nothing for S seconds at the start and after every N bytes
void RunBackends(const std::vector<std::string>& names);

}  // namespace nuncio::soak
