#include "test/soak/load.h"

#include <stdio.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test/soak/peer.h"
#include "test/soak/stalls.h"

namespace nuncio::soak {
namespace {

using Clock = std::chrono::steady_clock;

// Sizes of small bodies, in turn: none, one byte, within a segment, and beyond one buffer.
constexpr uint64_t kSizes[] = {0, 1, 100, 1000, 5000, 40000};
constexpr size_t kFailuresShown = 20;

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {}

  int Run() {
    started_ = Clock::now();
    std::vector<std::thread> threads;
    if (options_.spanning_download > 0) {
      threads.emplace_back([this] { Download(options_.spanning_download, Spanning()); });
    }
    if (options_.spanning_upload > 0) {
      threads.emplace_back([this] { Upload(options_.spanning_upload, "/long", Spanning()); });
    }
    if (options_.stalled_download > 0) {
      threads.emplace_back([this] {
        Stalls stalls(options_.stall_every, options_.stall_seconds);
        Download(options_.stalled_download, [&stalls](uint64_t read) { return stalls.Allow(read); });
      });
    }
    if (options_.stalled_upload > 0) {
      threads.emplace_back([this] {
        Upload(options_.stalled_upload, "/long?stall=" + std::to_string(options_.stall_seconds) +
                                            "&every=" + std::to_string(options_.stall_every), nullptr);
      });
    }
    for (int i = 0; i < options_.threads && options_.requests > 0; ++i) {
      threads.emplace_back([this] { SmallRequests(); });
    }
    for (std::thread& thread : threads) thread.join();
    Print();
    return failed_ == 0 ? 0 : 1;
  }

 private:
  using Pace = std::function<uint64_t(uint64_t)>;

  // What a thread has seen; put together at its end.
  struct Seen {
    std::map<std::string, uint64_t> backends;
    std::set<std::string> revisions;
    uint64_t connections = 0;
    // Kept connections that the proxy closed, between requests or with `Connection: close`.
    uint64_t closes = 0;
  };

  void SmallRequests() {
    Seen seen;
    Peer kept;
    for (uint64_t number; (number = next_.fetch_add(1)) < options_.requests; done_.fetch_add(1)) {
      if (options_.rate > 0) {
        std::this_thread::sleep_until(started_ + std::chrono::microseconds(number * 1'000'000 / options_.rate));
      }
      if (number % 2 == 0) {
        Peer fresh;
        Small(fresh, number, seen);
      } else {
        if (kept.open() && kept.Stale()) {
          kept.Close();
          ++seen.closes;
        }
        Small(kept, number, seen);
      }
    }
    Merge(seen);
  }

  void Small(Peer& peer, uint64_t number, Seen& seen) {
    // By the count of pairs, so that each kind of request meets both kinds of connections.
    const bool post = number / 2 % 5 == 0;
    const uint64_t size = kSizes[number / 10 % std::size(kSizes)];
    const char* kept = peer.open() ? "on a kept connection" : "on a new connection";
    if (!peer.open()) {
      ++seen.connections;
      if (!peer.Connect(options_.port)) return Failed(peer.error(), kept);
    }
    std::string head = post ? "POST /small HTTP/1.1\r\ncontent-length: " + std::to_string(size)
                            : "GET /bytes/" + std::to_string(size) + " HTTP/1.1";
    head += "\r\nhost: soak\r\n";
    // Of the connections for one request, half are closed by the client and half by the proxy.
    if (number % 4 == 0) head += "connection: close\r\n";
    if (!peer.Send(head + "\r\n") || (post && !peer.SendPattern(size))) return Failed(peer.error(), kept);
    if (!ReadAnswer(peer, post ? std::to_string(size) + " bytes" : "", size, nullptr, seen)) {
      return Failed(peer.error(), kept);
    }
  }

  void Download(uint64_t size, const Pace& pace) {
    Seen seen;
    Peer peer;
    if (!peer.Connect(options_.port) ||
        !peer.Send("GET /long/bytes/" + std::to_string(size) + " HTTP/1.1\r\nhost: soak\r\n\r\n") ||
        !ReadAnswer(peer, "", size, pace, seen)) {
      Failed(peer.error(), "in the download");
    }
  }

  void Upload(uint64_t size, const std::string& path, const Pace& pace) {
    Seen seen;
    Peer peer;
    if (!peer.Connect(options_.port) ||
        !peer.Send("POST " + path + " HTTP/1.1\r\nhost: soak\r\ncontent-length: " + std::to_string(size) +
                   "\r\n\r\n") ||
        !peer.SendPattern(size, pace) || !ReadAnswer(peer, std::to_string(size) + " bytes", 0, nullptr, seen)) {
      Failed(peer.error(), "in the upload");
    }
  }

  // `text`: the body expected; empty: `size` bytes of the pattern. The connection stays open unless the answer ends it.
  bool ReadAnswer(Peer& peer, const std::string& text, uint64_t size, const Pace& pace, Seen& seen) {
    Head head;
    if (!peer.ReadHead(head)) return false;
    std::string body;
    if (head.start_line.rfind("HTTP/1.1 200", 0) != 0) {
      peer.ReadText(std::min<uint64_t>(head.length(), 200), body);
      peer.Close();
      Failed(head.start_line + ": " + body, "as the answer");
      return true;
    }
    ++seen.backends[std::string(head.Get("x-backend"))];
    if (!head.Get("x-revision").empty()) seen.revisions.insert(std::string(head.Get("x-revision")));
    if (head.length() != (text.empty() ? size : text.size())) {
      peer.Close();
      Failed("an answer of " + std::to_string(head.length()) + " bytes", "as the answer");
      return true;
    }
    if (text.empty() ? !peer.ReadPattern(size, pace) : !peer.ReadText(text.size(), body)) return false;
    if (!text.empty() && body != text) {
      peer.Close();
      Failed("the answer \"" + body + "\" instead of \"" + text + "\"", "as the answer");
      return true;
    }
    if (head.closes()) {
      peer.Close();
      ++seen.closes;
    }
    return true;
  }

  // Bytes in proportion to the small requests that are done; waits a little where that is nothing more.
  Pace Spanning() {
    return [this](uint64_t done_bytes) -> uint64_t {
      const uint64_t done = done_.load();
      if (done >= options_.requests) return UINT64_MAX;
      const uint64_t size = std::max(options_.spanning_download, options_.spanning_upload);
      const auto allowed = static_cast<uint64_t>(static_cast<double>(size) * static_cast<double>(done) /
                                                 static_cast<double>(options_.requests));
      if (allowed <= done_bytes) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return allowed;
    };
  }

  void Failed(const std::string& what, const char* where) {
    const double at = std::chrono::duration<double>(Clock::now() - started_).count();
    std::lock_guard<std::mutex> lock(mutex_);
    ++failed_;
    const std::string text = (what.empty() ? "closed without an answer" : what) + ", " + where;
    ++kinds_[text];
    if (failed_ <= kFailuresShown) fprintf(stderr, "failed at %.3f s: %s\n", at, text.c_str());
  }

  void Merge(const Seen& seen) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [name, count] : seen.backends) seen_.backends[name] += count;
    seen_.revisions.insert(seen.revisions.begin(), seen.revisions.end());
    seen_.connections += seen.connections;
    seen_.closes += seen.closes;
  }

  void Print() {
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const auto object = [](const std::map<std::string, uint64_t>& counts) {
      std::string out;
      for (const auto& [name, count] : counts) {
        out += (out.empty() ? "" : ", ") + Quoted(name) + ": " + std::to_string(count);
      }
      return "{" + out + "}";
    };
    printf("{\"requests\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"connections\": %llu, \"closes\": %llu, "
           "\"revisions\": %zu, \"backends\": %s, \"failures\": %s}\n",
           static_cast<unsigned long long>(done_.load()), static_cast<unsigned long long>(failed_), seconds,
           static_cast<unsigned long long>(seen_.connections), static_cast<unsigned long long>(seen_.closes),
           seen_.revisions.size(), object(seen_.backends).c_str(), object(kinds_).c_str());
  }

  const LoadOptions options_;
  Clock::time_point started_;
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> done_{0};

  std::mutex mutex_;
  // By mutex_.
  Seen seen_;
  uint64_t failed_ = 0;
  std::map<std::string, uint64_t> kinds_;
};

}  // namespace

int RunLoad(const LoadOptions& options) { return Load(options).Run(); }

}  // namespace nuncio::soak
