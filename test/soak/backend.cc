#include "test/soak/backend.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "test/soak/peer.h"
#include "test/soak/stalls.h"

namespace nuncio::soak {
namespace {

// The number after `key` in a request line; 0 where it is not there.
uint64_t NumberAfter(const std::string& line, std::string_view key) {
  const size_t at = line.find(key);
  return at == std::string::npos ? 0 : strtoull(line.c_str() + at + key.size(), nullptr, 10);
}

std::string AnswerHead(const std::string& name, const char* status, uint64_t length) {
  return std::string("HTTP/1.1 ") + status + "\r\nx-backend: " + name +
         "\r\ncontent-length: " + std::to_string(length) + "\r\n\r\n";
}

bool Answer(Peer& peer, const std::string& name, const Head& request) {
  const std::string& line = request.start_line;
  if (line.rfind("GET ", 0) == 0) {
    const uint64_t length = NumberAfter(line, "/bytes/");
    return peer.Send(AnswerHead(name, "200 OK", length)) && peer.SendPattern(length);
  }
  Stalls stalls(NumberAfter(line, "every="), static_cast<int>(NumberAfter(line, "stall=")));
  if (!peer.ReadPattern(request.length(), [&](uint64_t read) { return stalls.Allow(read); })) {
    // Where the body was wrong the connection is gone: that is what the client sees. This line says why.
    fprintf(stderr, "backend %s: %s: %s\n", name.c_str(), line.c_str(), peer.error().c_str());
    return false;
  }
  const std::string text = std::to_string(request.length()) + " bytes";
  return peer.Send(AnswerHead(name, "200 OK", text.size()) + text);
}

void Serve(int fd, const std::string& name) {
  Peer peer(fd);
  Head request;
  while (peer.ReadHead(request) && Answer(peer, name, request)) {
  }
}

void Accept(int listener, const std::string& name) {
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) std::thread(Serve, fd, name).detach();
  }
}

int Listen(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    perror("backend");
    exit(1);
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

void RunBackends(const std::vector<std::string>& names) {
  std::vector<std::thread> threads;
  for (const std::string& name : names) {
    uint16_t port = 0;
    const int listener = Listen(port);
    printf("%s %u\n", name.c_str(), port);
    threads.emplace_back(Accept, listener, name);
  }
  fflush(stdout);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace nuncio::soak
