// The whole path of a request takes nothing from the heap once its connections are warm: the server as it is, its
// worker on its own thread, a client and a backend on sockets.
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <thread>

#include "api/linked.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/bootstrap/bootstrap_compiler.h"
#include "source/bootstrap/options.h"
#include "source/server/server.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<size_t> allocations{0};

// Only workers count: client, backend and the log's writer live in other threads of this process.
void Count() {
  if (!counting.load(std::memory_order_relaxed)) return;
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof(name));
  if (strncmp(name, "worker_", 7) == 0) allocations.fetch_add(1, std::memory_order_relaxed);
}

void* Take(size_t size, size_t alignment) {
  Count();
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* const memory = aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) abort();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Take(size, alignof(std::max_align_t)); }
void* operator new(size_t size, std::align_val_t alignment) { return Take(size, static_cast<size_t>(alignment)); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { free(memory); }

namespace nuncio::server {
namespace {

constexpr int kWarmUp = 50;
constexpr int kCounted = 400;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A bound socket on a port of the kernel's choice.
int Bound(uint16_t* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr*>(&address), length));
  EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length));
  *port = ntohs(address.sin_port);
  return fd;
}

bool ReadUntil(int fd, std::string_view end) {
  std::string text;
  char data[16384];
  while (!text.ends_with(end)) {
    const ssize_t n = recv(fd, data, sizeof(data), 0);
    if (n <= 0) return false;
    text.append(data, static_cast<size_t>(n));
  }
  return true;
}

// Answers every message that ends with `request_end` on one connection after another.
void Serve(int listener, std::string_view request_end, std::string_view answer) {
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; close(fd)) {
    while (ReadUntil(fd, request_end)) send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

struct Exchange {
  std::string_view request;
  std::string_view request_end;
  std::string_view answer;
  std::string_view answer_end;
  // Over HTTP/2, where not empty: `request` is the block of its head, this its body. Its end is that of the stream.
  bool http2 = false;
  std::string_view body{};
};

// Frames of RFC 9113 4.1.
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  frame += payload;
  return frame;
}

// Literals without indexing (RFC 7541 6.2.2) of less than 127 bytes.
std::string Block(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    for (std::string_view text : {name, value}) {
      block += static_cast<char>(text.size());
      block += text;
    }
  }
  return block;
}

std::string Http2Request(const Exchange& exchange, uint32_t stream) {
  constexpr uint8_t kEndStream = 1;
  constexpr uint8_t kEndHeaders = 4;
  constexpr size_t kMaxFrame = 16384;
  std::string out = Frame(1, kEndHeaders | (exchange.body.empty() ? kEndStream : 0), stream, exchange.request);
  for (std::string_view body = exchange.body; !body.empty();) {
    const std::string_view piece = body.substr(0, kMaxFrame);
    body.remove_prefix(piece.size());
    out += Frame(0, body.empty() ? kEndStream : 0, stream, piece);
  }
  // Room for what comes back; of the stream it has enough.
  return out + Frame(8, 0, 0, std::string_view("\0\x04\0\0", 4));
}

// Reads frames until one ends the stream.
bool ReadUntilStreamEnds(int fd, std::string& left, uint32_t stream) {
  for (;;) {
    while (left.size() >= 9) {
      const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(left[i])); };
      const size_t size = 9 + (byte(0) << 16 | byte(1) << 8 | byte(2));
      if (left.size() < size) break;
      const bool ends = byte(3) <= 1 && (byte(4) & 1) != 0 && (byte(7) << 8 | byte(8)) == (stream & 0xffff);
      const bool refused = byte(3) == 3 || byte(3) == 7;
      left.erase(0, size);
      if (ends || refused) return ends;
    }
    char data[65536];
    const ssize_t n = recv(fd, data, sizeof(data), 0);
    if (n <= 0) return false;
    left.append(data, static_cast<size_t>(n));
  }
}

// Waits for the peer's, whose windows hold from then on.
bool AcknowledgeSettings(int fd, std::string& left) {
  constexpr uint8_t kSettings = 4;
  while (left.size() < 9) {
    char data[1024];
    const ssize_t n = recv(fd, data, sizeof(data), 0);
    if (n <= 0) return false;
    left.append(data, static_cast<size_t>(n));
  }
  const std::string frame = Frame(kSettings, 1, 0, {});
  return left[3] == kSettings && send(fd, frame.data(), frame.size(), MSG_NOSIGNAL) > 0;
}

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Bootstrap(uint16_t listen, uint16_t backend) {
  return StrCat(R"(
static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: )", listen, R"(}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          use_remote_address: true
          normalize_path: true
          http_protocol_options: {enable_trailers: true}
          access_log:
          - name: text
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/null
              log_format: {text_format_source: {inline_string: "%RESPONSE_CODE% %DURATION%\n"}}
          - name: json
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/null
              log_format: {json_format: {path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%", host: "%UPSTREAM_HOST%"}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              request_headers_to_add: [{header: {key: x-client, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}}]
              response_headers_to_add: [{header: {key: x-served-by, value: "%UPSTREAM_CLUSTER%"}}]
              routes:
              - match: {safe_regex: {regex: "/item/[0-9]+"}}
                route: {cluster: backend, prefix_rewrite: /}
              - match: {path: /own}
                direct_response: {status: 200, body: {inline_string: own}}
              - match: {prefix: /}
                route: {cluster: backend}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: backend
    type: STATIC
    lb_policy: LEAST_REQUEST
    http_protocol_options: {enable_trailers: true}
    load_assignment:
      cluster_name: backend
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: )",
                backend, "}}}}]}]\n");
}

// The client's part, in a thread of its own: the server runs in the test's. Ends the server.
void Exchanges(uint16_t port, const Exchange& exchange, bool* complete) {
  const sockaddr_in address = Loopback(port);
  int fd = -1;
  do {
    // The worker binds the port when it starts.
    if (fd >= 0) close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  } while (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0);
  bool whole = true;
  std::string left;
  if (exchange.http2) {
    // SETTINGS with a window of 2^24 for each stream.
    const std::string hello = StrCat(kHttp2Preface, Frame(4, 0, 0, std::string_view("\0\x04\x01\0\0\0", 6)));
    send(fd, hello.data(), hello.size(), MSG_NOSIGNAL);
    whole = AcknowledgeSettings(fd, left);
  }
  for (int i = 0; i < kWarmUp + kCounted && whole; ++i) {
    if (i == kWarmUp) counting = true;
    const uint32_t stream = static_cast<uint32_t>(2 * i + 1);
    const std::string request =
        exchange.http2 ? Http2Request(exchange, stream) : std::string(exchange.request);
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    whole = exchange.http2 ? ReadUntilStreamEnds(fd, left, stream) : ReadUntil(fd, exchange.answer_end);
  }
  counting = false;
  *complete = whole;
  close(fd);
  // A second one ends it even if something is left.
  kill(getpid(), SIGTERM);
  kill(getpid(), SIGTERM);
}

size_t AllocationsOf(const Exchange& exchange) {
  api::LinkAllMessages();
  uint16_t listen_port = 0;
  uint16_t backend_port = 0;
  close(Bound(&listen_port));
  const int backend = Bound(&backend_port);
  listen(backend, 16);
  // Signals are for the server, which takes them from a descriptor.
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  std::thread server_side([&] { Serve(backend, exchange.request_end, exchange.answer); });

  bootstrap::Options options;
  options.concurrency = 1;
  // The lines of a run fit the worker's buffers: how those are handed over is the access log's own test.
  options.file_flush_interval = std::chrono::hours(1);
  options.drain_time = std::chrono::seconds(0);
  options.config_yaml = Bootstrap(listen_port, backend_port);
  config::Faults faults;
  auto loaded = bootstrap::LoadBootstrap(options);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  auto config = bootstrap::CompileBootstrap(loaded->message, faults);
  EXPECT_NE(config, nullptr) << faults.ToString("bootstrap");
  allocations = 0;
  bool complete = false;
  {
    Server server(options, config);
    const absl::Status started = server.Start();
    EXPECT_TRUE(started.ok()) << started;
    std::thread client_side([&] { Exchanges(listen_port, exchange, &complete); });
    server.Run();
    client_side.join();
  }
  shutdown(backend, SHUT_RDWR);
  server_side.join();
  close(backend);
  EXPECT_TRUE(complete);
  return allocations;
}

TEST(SteadyStateTest, SmallAnswers) {
  EXPECT_EQ(0u, AllocationsOf(
                    {"GET /item/17?q=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n", "\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody", "\r\n\r\nbody"}));
}

TEST(SteadyStateTest, RequestsWithBodies) {
  const std::string body(100'000, 'b');
  const std::string request =
      StrCat("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: ", body.size() + 5, "\r\n\r\n", body, "<end>");
  EXPECT_EQ(0u, AllocationsOf({request, "<end>", "HTTP/1.1 204 No Content\r\n\r\n", "\r\n\r\n"}));
}

TEST(SteadyStateTest, LongAnswersInChunksWithTrailers) {
  const std::string chunk(0x10000, 'c');
  const std::string answer = StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n", chunk,
                                    "\r\n10000\r\n", chunk, "\r\n0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_EQ(0u, AllocationsOf({"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "\r\n\r\n", answer, "X-Sum: 1\r\n\r\n"}));
}

TEST(SteadyStateTest, SmallAnswersOverHttp2) {
  const std::string head = Block({{":method", "GET"},
                                  {":scheme", "http"},
                                  {":authority", "a.test"},
                                  {":path", "/item/17?q=1"},
                                  {"user-agent", "test"},
                                  {"accept", "*/*"}});
  EXPECT_EQ(0u,
            AllocationsOf({head, "\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody", "", true}));
}

TEST(SteadyStateTest, BodiesOverHttp2) {
  const std::string body = std::string(100'000, 'b') + "<end>";
  const std::string head = Block({{":method", "POST"}, {":scheme", "http"}, {":authority", "a.test"}, {":path", "/up"},
                                  {"content-length", "100005"}});
  const std::string answer = StrCat("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", std::string(100'000, 'c'));
  EXPECT_EQ(0u, AllocationsOf({head, "<end>", answer, "", true, body}));
}

TEST(SteadyStateTest, AnswersOfTheProxysOwnOverHttp2) {
  const std::string head =
      Block({{":method", "GET"}, {":scheme", "http"}, {":authority", "a.test"}, {":path", "/own"}});
  EXPECT_EQ(0u, AllocationsOf({head, "\r\n\r\n", "", "", true}));
}

TEST(SteadyStateTest, AnswersOfTheProxysOwn) {
  EXPECT_EQ(0u, AllocationsOf({"GET /own HTTP/1.1\r\nHost: a.test\r\n\r\n", "\r\n\r\n", "", "\r\n\r\nown"}));
}

}  // namespace
}  // namespace nuncio::server
