#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nuncio::benchmark {

struct Options {
  uint16_t port = 0;
  int connections = 64;
  double seconds = 2;
  double warmup_seconds = 0.1;
  // Requests per second, evenly spaced; 0: closed loop, the next request follows an answer at once.
  double rate = 0;

  // > 0: in lock-step instead, so many requests in all: every slot takes one, and the next when all have their answer.
  // Without a clock in it, it makes the proxy do the same every time.
  uint64_t requests = 0;
  // In lock-step, > 0: so many before that, and then it waits as it does otherwise.
  uint64_t warmup_requests = 0;

  bool tls = false;
  // Of each connection; without it HTTP/1.1.
  bool http2 = false;
  int streams = 1;
  // A connection for every request.
  bool close = false;
  // Connections make one request each, and stay open until the standard input ends.
  bool hold = false;

  std::string method = "GET";
  std::string path = "/b/128";
  std::string host = "bench.example.com";
  // > 0: names host0.example.com and so on, in turn, in place of `host`.
  int hosts = 0;
  size_t body = 0;
  // The body is one gRPC message, and the request says so.
  bool grpc = false;
};

// Ends the program where the command line is wrong.
Options ParseOptions(int argc, char** argv);

}  // namespace nuncio::benchmark
