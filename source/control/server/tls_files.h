#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "source/base/clock.h"

namespace nuncio::control {

// The server's certificate with its key, and the authorities of its clients, as files have them. What stands in the
// files together is taken whole or refused whole: replaced files that do not fit are logged and counted, and what was
// good before stays in use. No text of it holds key bytes.
class TlsFiles {
 public:
  struct Paths {
    std::string certificate;
    std::string key;
    // Empty: clients show no certificate.
    std::string client_ca;
  };
  // Texts in PEM that fit together. Immutable.
  struct Material {
    std::string certificate;
    std::string key;
    std::string client_ca;
    // When the first of its certificates expires; of the authorities where there are any.
    SystemTime certificate_not_after;
    std::optional<SystemTime> client_ca_not_after;
  };

  // InvalidArgument names the flag, the file and what is wrong with it. `clock` must outlive this.
  static absl::StatusOr<std::shared_ptr<TlsFiles>> Open(Paths paths, const Clock& clock);

  // Looks at the files, about once a second and on one thread. A change is judged when the files are found twice in the
  // same state: they are replaced one after the other.
  void Tick();

  // The last good ones. Any thread.
  std::shared_ptr<const Material> current() const;
  bool asks_clients() const { return !paths_.client_ca.empty(); }
  const Paths& paths() const { return paths_; }

  // Any thread. Changes of the files that were taken and refused; whether what they hold now is refused.
  uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  bool refusing() const { return refusing_.load(std::memory_order_relaxed); }

 private:
  // What the files hold; `fault` instead where one cannot be read.
  struct Contents {
    std::string certificate;
    std::string key;
    std::string client_ca;
    std::string fault;
    bool operator==(const Contents&) const = default;
  };

  TlsFiles(Paths paths, const Clock& clock) : paths_(std::move(paths)), clock_(clock) {}
  Contents Read() const;
  absl::StatusOr<std::shared_ptr<const Material>> Judge(const Contents& contents) const;
  // A fault of the TLS context, told of the flag and the file that it came from.
  std::string InWordsOfFlags(std::string_view fault) const;

  const Paths paths_;
  const Clock& clock_;
  // What was judged last, and what was found by the last Tick.
  Contents judged_;
  Contents found_;

  mutable std::mutex mutex_;
  std::shared_ptr<const Material> current_;  // guarded by mutex_
  std::atomic<uint64_t> taken_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<bool> refusing_{false};
};

}  // namespace nuncio::control
