#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace nuncio::config {

// A gRPC server as its clients see it; from envoy.config.core.v3.GrpcService.
struct GrpcTarget {
  static constexpr uint32_t kDefaultMaxReceiveMessageBytes = 64 << 20;

  // Name of the cluster that it is reached through. Not empty.
  std::string cluster;
  // The `:authority` of calls. Not empty.
  std::string authority;
  // A larger message ends the call.
  uint32_t max_receive_message_bytes = kDefaultMaxReceiveMessageBytes;
  // Headers sent with every call, names in lower case.
  std::vector<std::pair<std::string, std::string>> initial_metadata;

  friend bool operator==(const GrpcTarget&, const GrpcTarget&) = default;
};

// The shared stream that the bootstrap's `ads_config` sets up.
struct AdsSource {
  friend bool operator==(const AdsSource&, const AdsSource&) = default;
};

// A control plane of its own, or, in the bootstrap, the shared one; from envoy.config.core.v3.ApiConfigSource.
struct GrpcSource {
  // A token bucket for requests.
  struct RateLimit {
    uint32_t max_tokens = 100;
    double tokens_per_second = 10;
    friend bool operator==(const RateLimit&, const RateLimit&) = default;
  };

  GrpcTarget target;
  bool node_on_first_message_only = false;
  bool limited = false;
  RateLimit rate_limit;  // where `limited`

  friend bool operator==(const GrpcSource&, const GrpcSource&) = default;
};

// A file with a DiscoveryResponse, picked up on change.
struct FileSource {
  std::string path;
  // Empty: a file moved over `path` is a change. Else: whatever is moved within this directory.
  std::string watched_directory;

  friend bool operator==(const FileSource&, const FileSource&) = default;
};

// Where resources come from; from envoy.config.core.v3.ConfigSource. Equal sources are the same source.
struct ConfigSource {
  static constexpr std::chrono::seconds kDefaultInitialFetchTimeout{15};

  std::variant<AdsSource, GrpcSource, FileSource> kind;
  // How long the first answer is waited for before going on without it; 0: for ever.
  std::chrono::nanoseconds initial_fetch_timeout = kDefaultInitialFetchTimeout;

  friend bool operator==(const ConfigSource&, const ConfigSource&) = default;
};

}  // namespace nuncio::config
