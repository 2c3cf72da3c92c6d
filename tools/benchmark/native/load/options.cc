#include "tools/benchmark/native/load/options.h"

#include <stdio.h>
#include <stdlib.h>

#include <functional>
#include <map>
#include <string_view>

#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

[[noreturn]] void Refuse(std::string_view flag, const char* why) {
  fprintf(stderr, "load: %.*s %s\n", static_cast<int>(flag.size()), flag.data(), why);
  exit(2);
}

double ParseNumber(std::string_view flag, const char* text) {
  char* end = nullptr;
  const double number = strtod(text, &end);
  if (end == text || *end != '\0' || number < 0) Refuse(flag, "wants a number of 0 or more");
  return number;
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options;
  const std::map<std::string_view, bool*> switches = {
      {"--tls", &options.tls},     {"--http2", &options.http2}, {"--close", &options.close},
      {"--hold", &options.hold},   {"--grpc", &options.grpc},
  };
  const std::map<std::string_view, std::function<void(std::string_view, const char*)>> values = {
      {"--port", [&](auto, const char* text) { options.port = ParsePort(text); }},
      {"--connections", [&](auto flag, const char* text) { options.connections = ParseNumber(flag, text); }},
      {"--seconds", [&](auto flag, const char* text) { options.seconds = ParseNumber(flag, text); }},
      {"--warmup", [&](auto flag, const char* text) { options.warmup_seconds = ParseNumber(flag, text); }},
      {"--rate", [&](auto flag, const char* text) { options.rate = ParseNumber(flag, text); }},
      {"--requests", [&](auto flag, const char* text) { options.requests = ParseNumber(flag, text); }},
      {"--warmup-requests", [&](auto flag, const char* text) { options.warmup_requests = ParseNumber(flag, text); }},
      {"--streams", [&](auto flag, const char* text) { options.streams = ParseNumber(flag, text); }},
      {"--hosts", [&](auto flag, const char* text) { options.hosts = ParseNumber(flag, text); }},
      {"--body", [&](auto flag, const char* text) { options.body = ParseNumber(flag, text); }},
      {"--method", [&](auto, const char* text) { options.method = text; }},
      {"--path", [&](auto, const char* text) { options.path = text; }},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (const auto it = switches.find(flag); it != switches.end()) {
      *it->second = true;
    } else if (const auto it = values.find(flag); it == values.end()) {
      Refuse(flag, "is no flag of this program");
    } else if (++i == argc) {
      Refuse(flag, "wants a value");
    } else {
      it->second(flag, argv[i]);
    }
  }
  if (options.port == 0) Refuse("--port", "is missing");
  if (options.connections < 1) Refuse("--connections", "wants one or more");
  if (options.http2 && options.close) Refuse("--close", "is for HTTP/1.1");
  return options;
}

}  // namespace nuncio::benchmark
