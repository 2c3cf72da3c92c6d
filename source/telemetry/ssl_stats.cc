#include "source/telemetry/ssl_stats.h"

#include "source/telemetry/named_counter.h"

namespace nuncio::telemetry {
namespace {

std::string_view PrefixOf(SslStats::Choice choice) {
  switch (choice) {
    case SslStats::Choice::kCipher: return "ssl.ciphers.";
    case SslStats::Choice::kCurve: return "ssl.curves.";
    case SslStats::Choice::kSignature: return "ssl.sigalgs.";
    case SslStats::Choice::kVersion: break;
  }
  return "ssl.versions.";
}

}  // namespace

void SslStats::Count(Choice choice, uint16_t number, std::string_view name) {
  for (const Seen& seen : seen_) {
    if (seen.choice == choice && seen.number == number) {
      seen.counter->Inc();
      return;
    }
  }
  Counter& counter = NamedCounter(*scope_, slot_, PrefixOf(choice), name);
  seen_.push_back({choice, number, &counter});
  counter.Inc();
}

}  // namespace nuncio::telemetry
