#include "source/http/h1/client_codec.h"

#include <string>

#include "gtest/gtest.h"
#include "test/http/h1/client_harness.h"

namespace nuncio::http::h1 {
namespace {

TEST(H1ClientCodecTest, RequestWithoutContent) {
  ClientHarness client;
  EXPECT_TRUE(client.codec.can_open_stream());
  EXPECT_EQ(client.Request("GET", "/p?q"), "GET /p?q HTTP/1.1\r\nhost: host\r\n\r\n");
  EXPECT_EQ(client.codec.active_streams(), 1);
  EXPECT_FALSE(client.codec.can_open_stream());
  client.Feed("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-CaSe: a\r\n\r\nok");
  EXPECT_EQ(client.TakeLog(),
            "answer 200 Fine HTTP/1.1\nContent-Length: 2\nX-CaSe: a\ncontent ok\nend\nclosed reusable\n");
  EXPECT_EQ(client.codec.active_streams(), 0);
}

TEST(H1ClientCodecTest, HostNameIsSpelledAsByTheClient) {
  ClientHarness client;
  client.sender = &client.codec.NewStream(client);
  RequestHead head(client.arena());
  head.method_text = "GET";
  head.method = Method::kGet;
  head.path = "/";
  head.authority = "a:80";
  head.host_name = "HOST";
  head.headers.Add("X-B", "1");
  client.sender->SendHead(head, true);
  EXPECT_EQ(client.TakeOutput(), "GET / HTTP/1.1\r\nHOST: a:80\r\nX-B: 1\r\n\r\n");
}

TEST(H1ClientCodecTest, FramingOfRequests) {
  struct Case {
    std::string_view method;
    std::string_view length;  // Of the field; none when empty.
    bool content;
    std::string_view fields;
    std::string_view body;
  };
  for (const Case& c : {
           Case{"GET", "", false, "", ""},
           Case{"POST", "", false, "content-length: 0\r\n", ""},
           Case{"PUT", "", false, "content-length: 0\r\n", ""},
           Case{"PATCH", "", false, "content-length: 0\r\n", ""},
           Case{"DELETE", "", false, "", ""},
           Case{"POST", "0", false, "Content-Length: 0\r\n", ""},
           Case{"GET", "5", false, "", ""},
           Case{"POST", "5", true, "Content-Length: 5\r\n", "hello"},
           Case{"POST", "", true, "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"},
           Case{"POST", "5x", true, "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"},
           Case{"POST", "3", true, "Content-Length: 3\r\n", "hel"},
       }) {
    ClientHarness client;
    client.sender = &client.codec.NewStream(client);
    if (c.length.empty()) {
      client.SendHead(c.method, "/", {}, !c.content);
    } else {
      client.SendHead(c.method, "/", {{"Content-Length", c.length}}, !c.content);
    }
    if (c.content) client.Send("hello", true);
    EXPECT_EQ(client.TakeOutput(), StrCat(c.method, " / HTTP/1.1\r\nhost: host\r\n", c.fields, "\r\n", c.body));
  }
}

TEST(H1ClientCodecTest, ConnectionFieldsAreTheCodecs) {
  ClientHarness client;
  client.sender = &client.codec.NewStream(client);
  client.SendHead("GET", "/", {{"Connection", "close"}, {"Transfer-Encoding", "gzip"}, {"TE", "trailers"}}, true);
  EXPECT_EQ(client.TakeOutput(), "GET / HTTP/1.1\r\nhost: host\r\nTE: trailers\r\nconnection: te\r\n\r\n");
}

TEST(H1ClientCodecTest, TargetsCannotSplitTheRequestLine) {
  ClientHarness client;
  EXPECT_EQ(client.Request("GET", "/a b\r\nc: d\t\"<>#"),
            "GET /a%20b%0D%0Ac:%20d%09%22%3C%3E%23 HTTP/1.1\r\nhost: host\r\n\r\n");
}

TEST(H1ClientCodecTest, AbsoluteForm) {
  ClientHarness client({.send_fully_qualified_url = true});
  EXPECT_EQ(client.Request("GET", "/x"), "GET http://host/x HTTP/1.1\r\nhost: host\r\n\r\n");
  ClientHarness options({.send_fully_qualified_url = true});
  EXPECT_EQ(options.Request("OPTIONS", "*"), "OPTIONS http://host HTTP/1.1\r\nhost: host\r\n\r\n");
}

TEST(H1ClientCodecTest, Trailers) {
  ClientHarness client({.enable_trailers = true});
  client.sender = &client.codec.NewStream(client);
  client.SendHead("POST", "/", {}, false);
  client.Send("x", false);
  HeaderMap trailers(client.arena());
  trailers.Add("x-sum", "1");
  client.sender->SendTrailers(trailers);
  EXPECT_TRUE(client.TakeOutput().ends_with("\r\n\r\n1\r\nx\r\n0\r\nx-sum: 1\r\n\r\n"));
  client.Feed(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-T: 1\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(client.TakeLog(),
            "answer 200 OK HTTP/1.1\nTransfer-Encoding: chunked\ncontent ab\ntrailers\nX-T: 1\nend\nclosed reusable\n");

  ClientHarness without;
  without.Request();
  without.Feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-T: 1\r\n\r\n");
  EXPECT_EQ(without.TakeLog(),
            "answer 200 OK HTTP/1.1\nTransfer-Encoding: chunked\ncontent ab\nend\nclosed reusable\n");
}

TEST(H1ClientCodecTest, AnswersAndWhetherTheirConnectionIsReusable) {
  struct Case {
    std::string_view method;
    std::string_view bytes;
    std::string_view end;  // How the log ends.
  };
  for (const Case& c : {
           Case{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "end\nclosed reusable\n"},
           Case{"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "end\nclosed reusable\n"},
           Case{"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "end\nclosed reusable\n"},
           Case{"GET", "HTTP/1.1 204 No Content\r\n\r\n", "end\nclosed reusable\n"},
           Case{"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "end\nclosed reusable\n"},
           // A 204 that announces content: whoever sends it may well send the content, too.
           Case{"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "end\nclosed\n"},
           Case{"GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "end\nclosed\n"},
           Case{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "end\nclosed reusable\n"},
           Case{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "end\nclosed reusable\n"},
           Case{"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "end\nclosed reusable\n"},
           Case{"HEAD", "HTTP/1.1 200 OK\r\n\r\n", "end\nclosed reusable\n"},
           Case{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
                "content x\nend\nclosed\n"},
           Case{"GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "content x\nend\nclosed\n"},
           Case{"GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx",
                "content x\nend\nclosed reusable\n"},
           // Bytes behind the answer.
           Case{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", "content x\nend\nclosed\n"},
           Case{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx\r\n", "content x\nend\nclosed\n"},
           Case{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "end\nclosed\n"},
           Case{"GET", "HTTP/1.1 304 Not Modified\r\n\r\nx", "end\nclosed\n"},
           Case{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", "end\nclosed\n"},
       }) {
    ClientHarness client;
    client.Request(c.method);
    client.Feed(c.bytes);
    const std::string log = client.TakeLog();
    EXPECT_TRUE(log.ends_with(c.end)) << c.bytes << "\n" << log;
    EXPECT_EQ(client.codec.reusable(), c.end.ends_with("reusable\n")) << c.bytes;
    EXPECT_TRUE(client.in.empty());
  }
}

TEST(H1ClientCodecTest, ReusedForManyRequests) {
  ClientHarness client;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client.codec.reusable());
    client.Request();
    client.Feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    EXPECT_TRUE(client.TakeLog().ends_with("content x\nend\nclosed reusable\n"));
  }
}

TEST(H1ClientCodecTest, NextRequestFromWithinTheLastOnesEnd) {
  ClientHarness client;
  int closed = 0;
  client.on_closed = [&] {
    if (++closed == 1) client.Request("GET", "/second");
  };
  client.Request("GET", "/first");
  client.Feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.codec.active_streams(), 1);
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(closed, 2);
  EXPECT_TRUE(client.codec.reusable());
}

TEST(H1ClientCodecTest, AnswerThatEndsWithTheConnection) {
  for (std::string_view version : {"HTTP/1.0", "HTTP/1.1"}) {
    ClientHarness client;
    client.Request();
    client.Feed(StrCat(version, " 200 OK\r\nConnection: keep-alive\r\n\r\nab"));
    client.Feed("c");
    EXPECT_EQ(client.codec.active_streams(), 1);
    client.codec.OnEndOfInput();
    EXPECT_TRUE(client.TakeLog().ends_with("content abc\nend\nclosed\n"));
    EXPECT_FALSE(client.codec.reusable());
  }
}

TEST(H1ClientCodecTest, BodyMayStayInTheKernelWhereItIsWanted) {
  const auto log = [](std::string_view framing, std::string_view first, std::string_view second, bool wanted) {
    ClientHarness client;
    client.Request();
    if (wanted) client.on_event = [&client] { client.sender->LeaveBodyInKernel(); };
    client.Feed(StrCat("HTTP/1.1 200 OK\r\n", framing, "\r\n", first));
    client.on_event = nullptr;
    client.Feed(second);
    const std::string log = client.TakeLog();
    const size_t at = log.find("content");
    return at == std::string::npos ? "" : log.substr(at);
  };
  constexpr std::string_view kLength = "Content-Length: 6\r\n";
  EXPECT_EQ(log(kLength, "ab", "cdef", true), "content ab\nin kernel 4\ncontent cdef\nend\nclosed reusable\n");
  EXPECT_EQ(log(kLength, "ab", "cdef", false), "content abcdef\nend\nclosed reusable\n");
  EXPECT_EQ(log(kLength, "", "abcdef", true), "content abcdef\nend\nclosed reusable\n");
  EXPECT_EQ(log("", "ab", "", true), "content ab\nin kernel all\n");
  EXPECT_EQ(log("Transfer-Encoding: chunked\r\n", "4\r\nab", "cd\r\n0\r\n\r\n", true),
            "content abcd\nend\nclosed reusable\n");
}

TEST(H1ClientCodecTest, ABodyInTheKernelIsOfOneAnswer) {
  ClientHarness client;
  client.Request();
  client.on_event = [&client] { client.sender->LeaveBodyInKernel(); };
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
  client.on_event = nullptr;
  client.TakeLog();
  client.Request();
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab");
  client.Feed("cdef");
  EXPECT_TRUE(client.TakeLog().ends_with("content abcdef\nend\nclosed reusable\n"));
}

TEST(H1ClientCodecTest, AnswerWithoutFramingIsNotCompleteWhenTheConnectionBreaks) {
  ClientHarness client;
  client.Request();
  client.Feed("HTTP/1.1 200 OK\r\n\r\nab");
  client.codec.OnConnectionClosed();
  EXPECT_TRUE(
      client.TakeLog().ends_with("content ab\nreset connection_termination http1.incomplete_answer_body\nclosed\n"));
}

TEST(H1ClientCodecTest, EndOfInputWithinAnAnswer) {
  const std::string_view answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"};
  for (std::string_view answer : answers) {
    ClientHarness client;
    client.Request();
    client.Feed(answer);
    client.codec.OnEndOfInput();
    EXPECT_TRUE(
        client.TakeLog().ends_with("content ab\nreset connection_termination http1.incomplete_answer_body\nclosed\n"));
    EXPECT_FALSE(client.codec.reusable());
  }
  ClientHarness head;
  head.Request();
  head.Feed("H");
  head.codec.OnEndOfInput();
  EXPECT_EQ(head.TakeLog(), "reset connection_termination http1.incomplete_answer_head\nclosed\n");
  // Only this one may be tried again elsewhere without a doubt.
  ClientHarness nothing;
  nothing.Request();
  nothing.codec.OnEndOfInput();
  EXPECT_EQ(nothing.TakeLog(), "reset connection_termination connection_termination\nclosed\n");
  EXPECT_EQ(nothing.last_details, kConnectionTermination);
}

TEST(H1ClientCodecTest, EarlyAnswerIsDeliveredAndEndsTheConnection) {
  ClientHarness client;
  client.sender = &client.codec.NewStream(client);
  client.SendHead("POST", "/", {{"content-length", "10"}}, false);
  client.Send("abc", false);
  client.TakeOutput();
  client.Feed("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(client.TakeLog().ends_with("content no\nend\nclosed\n"));
  EXPECT_FALSE(client.codec.reusable());
  // What the sender still had goes nowhere.
  client.Send("defghij", true);
  EXPECT_EQ(client.TakeOutput(), "");
}

TEST(H1ClientCodecTest, AnswerBeforeTheRequestWasWrittenIsNotReusable) {
  ClientHarness client;
  client.sender = &client.codec.NewStream(client);
  client.SendHead("POST", "/", {}, false);
  client.Send("abc", true);
  // Still in the write buffer.
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client.TakeLog().ends_with("end\nclosed\n"));
}

TEST(H1ClientCodecTest, RequestThatBrokeItsLengthIsNotReusable) {
  ClientHarness client;
  client.sender = &client.codec.NewStream(client);
  client.SendHead("POST", "/", {{"content-length", "10"}}, false);
  client.Send("abc", true);
  client.TakeOutput();
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client.TakeLog().ends_with("end\nclosed\n"));
}

TEST(H1ClientCodecTest, UnsolicitedBytes) {
  ClientHarness idle;
  idle.Feed("HTTP/1.1 408 Timeout\r\n\r\n");
  EXPECT_TRUE(idle.dead);
  EXPECT_FALSE(idle.codec.reusable());
  EXPECT_TRUE(idle.in.empty());
  EXPECT_EQ(idle.TakeLog(), "");

  ClientHarness early;
  early.sender = &early.codec.NewStream(early);
  early.Feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(early.TakeLog(), "reset protocol_error http1.codec_error.unsolicited_answer\nclosed\n");

  ClientHarness eof;
  eof.codec.OnEndOfInput();
  EXPECT_FALSE(eof.codec.can_open_stream());
}

TEST(H1ClientCodecTest, InformationalAnswersNeverEndAnAnswer) {
  ClientHarness client;
  client.Request();
  client.Feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(
      client.TakeLog(),
      "informational 100 Continue HTTP/1.1\ninformational 103 Early Hints HTTP/1.1\nLink: x\nContent-Length: 5\n");
  client.Feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_TRUE(client.TakeLog().ends_with("content x\nend\nclosed reusable\n"));
}

TEST(H1ClientCodecTest, InformationalAnswersAreBounded) {
  ClientHarness client;
  client.Request();
  for (uint32_t i = 0; i < H1ClientCodec::kMaxInformational; ++i) client.Feed("HTTP/1.1 102 Processing\r\n\r\n");
  EXPECT_EQ(client.codec.active_streams(), 1);
  client.Feed("HTTP/1.1 102 Processing\r\n\r\n");
  EXPECT_EQ(client.last_details, "http1.codec_error.too_many_informational");
}

TEST(H1ClientCodecTest, MalformedAnswers) {
  struct Case {
    std::string_view bytes;
    std::string_view details;
  };
  for (const Case& c : {
           Case{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "http1.codec_error.unexpected_upgrade"},
           Case{"ICY 200 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/2.0 200 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1 20 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1 2000 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1 099 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1  200 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1 200 O\x01K\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"\r\nHTTP/1.1 200 OK\r\n\r\n", "http1.codec_error.invalid_status_line"},
           Case{"HTTP/1.1 200 OK\n\n", "http1.codec_error.bare_lf"},
           Case{"HTTP/1.1 200 OK\r\nA: b\n\r\n", "http1.codec_error.bare_lf"},
           Case{"HTTP/1.1 200 O\rK\r\n\r\n", "http1.codec_error.bare_cr"},
           Case{"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "http1.codec_error.space_before_colon"},
           Case{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "http1.codec_error.obs_fold"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                "http1.codec_error.multiple_content_length"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx", "http1.codec_error.invalid_content_length"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "http1.content_length_and_chunked_not_allowed"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "http1.codec_error.unknown_transfer_coding"},
           Case{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "http1.codec_error.transfer_encoding_in_http10"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "http1.codec_error.invalid_chunk_size"},
       }) {
    ClientHarness client;
    client.Request();
    client.Feed(c.bytes);
    EXPECT_EQ(client.last_details, c.details) << c.bytes;
    EXPECT_TRUE(client.TakeLog().ends_with(StrCat("reset protocol_error ", c.details, "\nclosed\n"))) << c.bytes;
    EXPECT_TRUE(client.dead);
    EXPECT_FALSE(client.codec.reusable());
  }
}

TEST(H1ClientCodecTest, LimitsOfSize) {
  const H1Options options{.max_head_bytes = 100, .max_headers = 2};
  const auto details = [&options](std::string_view bytes) {
    ClientHarness client(options);
    client.Request();
    client.Feed(bytes);
    return client.TakeLog();
  };
  EXPECT_EQ(details("HTTP/1.1 200 OK\r\na: " + std::string(200, 'x')),
            "reset overflow http1.headers_too_large\nclosed\n");
  EXPECT_EQ(details("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
            "reset overflow http1.too_many_headers\nclosed\n");
}

TEST(H1ClientCodecTest, ResetForgetsTheStream) {
  ClientHarness client;
  client.Request();
  client.sender->PauseReading(true);
  EXPECT_TRUE(client.paused);
  client.sender->Reset(StreamReset::kLocal);
  EXPECT_EQ(client.TakeLog(), "closed\n");
  EXPECT_FALSE(client.paused);
  client.Feed("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(client.TakeLog(), "");
  EXPECT_TRUE(client.dead);
}

TEST(H1ClientCodecTest, ResetFromWithinAnEvent) {
  for (std::string_view answer :
       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"}) {
    ClientHarness client;
    client.Request();
    client.on_event = [&] { client.sender->Reset(StreamReset::kLocal); };
    client.Feed(answer);
    const std::string log = client.TakeLog();
    EXPECT_TRUE(log.ends_with("closed\n")) << log;
    EXPECT_EQ(log.find("closed\n"), log.rfind("closed\n"));
    EXPECT_TRUE(client.dead);
  }
}

TEST(H1ClientCodecTest, PausesAndWatermarks) {
  ClientHarness client;
  client.codec.OnSendBufferHigh();
  client.Request();
  client.sender->PauseReading(true);
  client.sender->PauseReading(true);
  client.sender->PauseReading(false);
  EXPECT_TRUE(client.paused);
  client.sender->PauseReading(false);
  EXPECT_FALSE(client.paused);
  client.codec.OnSendBufferHigh();
  client.codec.OnSendBufferLow();
  EXPECT_EQ(client.TakeLog(), "high\nlow\n");
}

}  // namespace
}  // namespace nuncio::http::h1
