// What one role writes the other reads, with the same meaning.
#include <string>

#include "gtest/gtest.h"
#include "test/http/h1/client_harness.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

struct Case {
  std::string_view method;
  bool length_known;
  bool trailers;
  size_t size;
};

const H1Options kOptions{.enable_trailers = true};

class RoundTripTest : public testing::TestWithParam<Case> {
 protected:
  // Hands over what was written, piece by piece.
  template <typename Harness>
  static void Deliver(std::string bytes, Harness& to) {
    for (size_t at = 0; at < bytes.size(); at += 1000) to.Feed(std::string_view(bytes).substr(at, 1000));
  }
};

TEST_P(RoundTripTest, RequestAndAnswer) {
  const Case& c = GetParam();
  std::string content;
  for (size_t i = 0; i < c.size; ++i) content.push_back(static_cast<char>('a' + i % 26));
  ClientHarness client(kOptions);
  ServerHarness server(kOptions);
  for (int repetition = 0; repetition < 2; ++repetition) {
    client.sender = &client.codec.NewStream(client);
    const std::string size = StrCat(content.size());
    const bool empty = content.empty() && !c.trailers;
    if (c.length_known) {
      client.SendHead(c.method, "/path?q", {{"X-Name", "value"}, {"Content-Length", size}}, empty);
    } else {
      client.SendHead(c.method, "/path?q", {{"X-Name", "value"}}, empty);
    }
    for (size_t at = 0; at < content.size(); at += 300) {
      client.Send(content.substr(at, 300), !c.trailers && at + 300 >= content.size());
    }
    if (c.trailers) {
      HeaderMap trailers(client.arena());
      trailers.Add("X-Trailer", "1");
      client.sender->SendTrailers(trailers);
    }
    Deliver(client.TakeOutput(), server);
    const std::string request = server.TakeLog();
    EXPECT_TRUE(request.starts_with(StrCat(c.method, " /path?q HTTP/1.1 http://host\nX-Name: value\n"))) << request;
    const std::string content_line = content.empty() ? "" : StrCat("content ", content, "\n");
    const bool trailers_arrive = c.trailers && !c.length_known;
    EXPECT_TRUE(request.ends_with(StrCat(content_line, trailers_arrive ? "trailers\nX-Trailer: 1\n" : "", "end\n")))
        << request;

    server.current().SendHead(200, {{"Content-Length", size}}, content.empty());
    if (!content.empty()) server.current().Send(content, true);
    Deliver(server.TakeOutput(), client);
    const std::string answer = client.TakeLog();
    const bool bodiless = c.method == "HEAD";
    EXPECT_TRUE(answer.ends_with(StrCat(bodiless ? "" : content_line, "end\nclosed reusable\n"))) << answer;
  }
  EXPECT_FALSE(server.closing);
}

INSTANTIATE_TEST_SUITE_P(Messages, RoundTripTest,
                         testing::Values(Case{"GET", false, false, 0}, Case{"HEAD", false, false, 0},
                                         Case{"POST", true, false, 0}, Case{"POST", true, false, 1},
                                         Case{"POST", true, false, 100000}, Case{"POST", false, false, 1},
                                         Case{"PUT", false, false, 100000}, Case{"POST", false, true, 0},
                                         Case{"POST", false, true, 5000}, Case{"POST", true, true, 5000},
                                         Case{"DELETE", false, false, 10}, Case{"MKCOL", false, false, 0}));

}  // namespace
}  // namespace nuncio::http::h1
