// However the network cuts a connection's bytes into reads, the codecs report the same.
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/http/h1/client_harness.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

const H1Options kOptions{.max_head_bytes = 400, .max_headers = 8, .accept_http_10 = true, .enable_trailers = true};

std::string Long(size_t size) { return std::string(size, 'v'); }

std::vector<std::string> RequestStreams() {
  const std::string get = "GET /p HTTP/1.1\r\nHost: h\r\nUser-Agent: a rather long name of a client\r\n\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world";
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  return {
      get,
      get + get + get,
      "\r\n\r\n" + get + "\r\n" + post + get,
      post + chunked + "5\r\nhello\r\n1a;x=\"y\"\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n" + get,
      chunked + "1\r\nx\r\n0\r\nA: 1\r\nHost: x\r\nB: 2\r\n\r\n" + get,
      chunked + "0\r\n\r\n" + chunked + "0\r\nA:1\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\nHost: h\r\n\r\n" + get,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      get + "GET / HTTP/1.1\r\nHost : h\r\n\r\n" + get,
      get + "GET / HTTP/1.1\nHost: h\n\n",
      chunked + "5\r\nhello\r\n5 \r\nhello\r\n0\r\n\r\n",
      chunked + "5\r\nhelloo\r\n0\r\n\r\n",
      chunked + "0\r\nA : 1\r\n\r\n",
      chunked + "0\r\n\n",
      chunked + "2\r\nab\r\n0\r\na: " + Long(500) + "\r\n\r\n",
      "GET /" + Long(500) + " HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\na: " + Long(500) + "\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\na: " + Long(360) + "\r\n\r\n" + get,
      "GET / HTTP/4.0\r\nHost: h\r\na: " + Long(500),
      "\x16\x03\x01garbage",
      "\r\n\r\n\r\n\r\n\r\n" + get,
      "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\na: b\n\r\r\n\r\n" + get,
      "GET / HTTP/1.1\r\n" + std::string("a: 1\r\n") +
          "b: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\ng: 1\r\nh: 1\r\ni: 1\r\n\r\n",
  };
}

std::vector<std::string> Answers() {
  return {
      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nServer: something\r\n\r\nhello world",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nuntil the end",
      "HTTP/1.1 200 OK\r\na: " + Long(500),
      "HTTP/1.1 200 OK\nA: b\n\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  };
}

std::string ServerEvents(const std::vector<std::string_view>& pieces) {
  ServerHarness server(kOptions);
  server.on_end = [](ServerHarness::Stream& stream) { stream.Answer(200, "ok"); };
  for (std::string_view piece : pieces) server.Feed(piece);
  if (!server.dead) server.codec.OnEndOfInput();
  return StrCat(server.log(), "---\n", server.TakeOutput());
}

std::string ClientEvents(const std::vector<std::string_view>& pieces) {
  ClientHarness client(kOptions);
  client.Request();
  for (std::string_view piece : pieces) client.Feed(piece);
  if (!client.dead) client.codec.OnEndOfInput();
  return client.TakeLog();
}

std::vector<std::string_view> Bytes(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
  return pieces;
}

std::vector<std::string_view> RandomPieces(std::string_view text, std::mt19937& random) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const size_t size = 1 + random() % std::min<size_t>(text.size(), 1 + random() % 40);
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

template <typename Events>
void ExpectSameHoweverSplit(const std::vector<std::string>& inputs, Events events) {
  std::mt19937 random(1);
  for (const std::string& text : inputs) {
    SCOPED_TRACE(text);
    const std::string whole = events({text});
    ASSERT_EQ(events(Bytes(text)), whole);
    for (size_t at = 1; at < text.size(); ++at) {
      const std::string_view view = text;
      ASSERT_EQ(events({view.substr(0, at), view.substr(at)}), whole) << at;
    }
    for (int i = 0; i < 50; ++i) ASSERT_EQ(events(RandomPieces(text, random)), whole);
  }
}

TEST(SplitTest, Requests) { ExpectSameHoweverSplit(RequestStreams(), ServerEvents); }

TEST(SplitTest, AnswersToOneRequest) { ExpectSameHoweverSplit(Answers(), ClientEvents); }

// Heads in many slices, as when each read got a slice of its own.
TEST(SplitTest, HeadsAcrossSlices) {
  const std::string head = "GET /" + Long(3000) + " HTTP/1.1\r\nHost: h\r\na: " + Long(5000) + "\r\nb: c\r\n\r\n";
  for (size_t step : {1u, 7u, 100u, 2000u}) {
    ServerHarness server;
    for (size_t at = 0; at < head.size(); at += step) {
      // Small slices fill up and are followed by others.
      const std::string_view piece = std::string_view(head).substr(at, step);
      memcpy(server.in.Reserve(step), piece.data(), piece.size());
      server.in.Commit(piece.size());
      server.Run();
    }
    EXPECT_TRUE(server.log().ends_with("a: " + Long(5000) + "\nb: c\nend\n"));
  }
}

}  // namespace
}  // namespace nuncio::http::h1
