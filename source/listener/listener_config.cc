#include "source/listener/listener_config.h"

#include "source/base/strings.h"

namespace nuncio::listener {

std::string ListenAddress::SocketKey() const {
  std::string key = StrCat(address.ToString(), "|", ipv4_compat, "|", unix_mode, "|", transparent, "|", freebind, "|",
                           reuse_port, "|", backlog, "|", fast_open_queue);
  if (keepalive.has_value()) {
    StrAppend(key, "|k", keepalive->probes.value_or(0), ",", keepalive->time.value_or(std::chrono::seconds(0)).count(),
              ",", keepalive->interval.value_or(std::chrono::seconds(0)).count());
  }
  for (const net::SocketOption& option : socket_options) {
    StrAppend(key, "|o", option.level, ",", option.name, ",", option.int_value.value_or(0), ",", option.bytes, ",",
              static_cast<int>(option.state));
  }
  return key;
}

const FilterChainConfig* ListenerConfig::FindChain(const net::Address& local, const net::Address& peer) const {
  const FilterChainConfig* best = default_chain.get();
  MatchRank best_rank;
  for (const auto& chain : chains) {
    const MatchRank rank = Rank(chain->match, local, peer);
    if (!rank.matches || !rank.BetterThan(best_rank)) continue;
    best = chain.get();
    best_rank = rank;
  }
  return best;
}

}  // namespace nuncio::listener
