#include "source/http/h1/server_codec.h"

#include <string>

#include "gtest/gtest.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

using Stream = ServerHarness::Stream;

constexpr std::string_view kGet = "GET /p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n";

void AnswerOk(ServerHarness& server, std::string_view body = "ok") {
  server.on_end = [body](Stream& stream) { stream.Answer(200, body); };
}

TEST(H1ServerCodecTest, RequestWithoutContent) {
  ServerHarness server;
  server.Feed("GET /p?q=1 HTTP/1.1\r\nHost: Example.com:80\r\nX-CaSe:  a b\t \r\naccept:\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET /p?q=1 HTTP/1.1 http://Example.com:80\nX-CaSe: a b\naccept: \nend\n");
  EXPECT_EQ(server.codec.active_streams(), 1);
  server.current().Answer(200, "ok");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  EXPECT_EQ(server.codec.active_streams(), 0);
  EXPECT_FALSE(server.closing);
  EXPECT_EQ(server.TakeLog(), "");
}

TEST(H1ServerCodecTest, StreamBeginsWithTheFirstByte) {
  ServerHarness server;
  server.Feed("\r\n");
  EXPECT_EQ(server.stream_count(), 0);
  server.Feed("G");
  EXPECT_EQ(server.stream_count(), 1);
  EXPECT_EQ(server.codec.active_streams(), 1);
}

TEST(H1ServerCodecTest, ContentByLength) {
  ServerHarness server;
  AnswerOk(server);
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(server.TakeLog(), "POST / HTTP/1.1 http://h\nContent-Length: 5\n");
  server.Feed("llo");
  EXPECT_EQ(server.TakeLog(), "content hello\nend\n");
  EXPECT_FALSE(server.closing);
}

TEST(H1ServerCodecTest, LengthOfZeroIsNoContent) {
  ServerHarness server;
  AnswerOk(server);
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "POST / HTTP/1.1 http://h\nContent-Length: 0\nend\n");
}

TEST(H1ServerCodecTest, ChunkedContent) {
  ServerHarness server;
  AnswerOk(server);
  server.Feed(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n000A;name=\"va;lue\";x\r\n0123456789\r\n0\r\n\r\n");
  EXPECT_EQ(server.TakeLog(),
            "POST / HTTP/1.1 http://h\nTransfer-Encoding: Chunked\ncontent hello0123456789\nend\n");
  EXPECT_FALSE(server.closing);
  server.Feed(kGet);
  EXPECT_EQ(server.TakeLog(), "GET /p?q=1 HTTP/1.1 http://h\nend\n");
}

TEST(H1ServerCodecTest, TrailersAreDroppedUnlessEnabled) {
  const std::string_view request =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nX-Sum: 7\r\nContent-Length: 3\r\nHost: evil\r\nX-Forwarded-For: 1\r\nif-match: a\r\ngrpc-status: "
      "0\r\n\r\n";
  ServerHarness without;
  without.Feed(request);
  EXPECT_EQ(without.TakeLog(), "POST / HTTP/1.1 http://h\nTransfer-Encoding: chunked\ncontent x\nend\n");
  ServerHarness with({.enable_trailers = true});
  with.Feed(request);
  EXPECT_EQ(
      with.TakeLog(),
      "POST / HTTP/1.1 http://h\nTransfer-Encoding: chunked\ncontent x\ntrailers\nX-Sum: 7\ngrpc-status: 0\nend\n");
  // With nothing left of them there are none.
  ServerHarness forbidden({.enable_trailers = true});
  forbidden.Feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nHost: evil\r\n\r\n");
  EXPECT_EQ(forbidden.TakeLog(), "POST / HTTP/1.1 http://h\nTransfer-Encoding: chunked\ncontent x\nend\n");
}

TEST(H1ServerCodecTest, KeepAliveServesOneAfterTheOther) {
  ServerHarness server;
  AnswerOk(server);
  for (int i = 0; i < 3; ++i) {
    server.Feed(kGet);
    EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  }
  EXPECT_EQ(server.stream_count(), 3);
  EXPECT_FALSE(server.closing);
}

TEST(H1ServerCodecTest, PipelinedRequestsAnsweredAtOnce) {
  ServerHarness server;
  AnswerOk(server, "x");
  server.Feed(StrCat(kGet, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", kGet));
  EXPECT_EQ(server.stream_count(), 3);
  EXPECT_TRUE(server.in.empty());
  const std::string one = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx";
  EXPECT_EQ(server.TakeOutput(), one + one + one);
  EXPECT_FALSE(server.paused);
}

TEST(H1ServerCodecTest, PipelinedRequestsWaitForTheAnswerBeforeTheirs) {
  ServerHarness server;
  server.Feed(StrCat(kGet, kGet, "GET /thi"));
  EXPECT_EQ(server.stream_count(), 1);
  EXPECT_TRUE(server.paused);
  EXPECT_EQ(server.in.length(), kGet.size() + 8);
  server.current().Answer(200, "1");
  EXPECT_FALSE(server.paused);
  // Not from within the answer's call.
  EXPECT_EQ(server.stream_count(), 1);
  server.RunIfResumed();
  EXPECT_EQ(server.stream_count(), 2);
  EXPECT_TRUE(server.paused);
  server.current().Answer(200, "2");
  server.RunIfResumed();
  EXPECT_EQ(server.stream_count(), 3);
  EXPECT_FALSE(server.paused);
  server.Feed("rd HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(server.log().ends_with("GET /third HTTP/1.1 http://h\nend\n"));
}

TEST(H1ServerCodecTest, BytesBehindARequestPauseReading) {
  ServerHarness server;
  server.Feed(kGet);
  EXPECT_FALSE(server.paused);
  server.Feed("G");
  EXPECT_TRUE(server.paused);
}

TEST(H1ServerCodecTest, ReceiversPausesAreCounted) {
  ServerHarness server;
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  ResponseSender& sender = server.current().sender();
  sender.PauseReading(true);
  sender.PauseReading(true);
  EXPECT_TRUE(server.paused);
  sender.PauseReading(false);
  EXPECT_TRUE(server.paused);
  sender.PauseReading(false);
  EXPECT_FALSE(server.paused);
  // What a stream paused, its end takes back.
  sender.PauseReading(true);
  server.Feed("hello");
  server.current().Answer(200, "");
  EXPECT_FALSE(server.paused);
}

TEST(H1ServerCodecTest, AbsoluteFormOverridesHost) {
  ServerHarness server;
  server.Feed("GET HTTPS://a.example:8443?x=1 HTTP/1.1\r\nHOST: b\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET /?x=1 HTTP/1.1 https://a.example:8443 absolute\nend\n");
  server.current().Answer(200, "");
  server.Feed("OPTIONS http://a HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "OPTIONS * HTTP/1.1 http://a absolute\nend\n");
}

TEST(H1ServerCodecTest, OtherForms) {
  ServerHarness server;
  AnswerOk(server, "");
  server.Feed("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "OPTIONS * HTTP/1.1 http://h\nend\n");
  server.Feed("GET //x/../y{|}^`\\ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET //x/../y{|}^`\\ HTTP/1.1 http://[::1]:80\nend\n");
  server.Feed("GET / HTTP/1.7\r\nHost:\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET / HTTP/1.1 http://\nend\n");
  // A tunnel is asked for: what follows is no request, whatever is answered.
  server.Feed("CONNECT h:443 HTTP/1.1\r\nHost: other\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "CONNECT  HTTP/1.1 http://h:443\n");
  server.current().Answer(405, "");
  EXPECT_EQ(server.TakeLog(), "close\n");
}

TEST(H1ServerCodecTest, SchemeOfTheTransport) {
  ServerHarness server({.scheme = "https"});
  server.Feed(kGet);
  EXPECT_EQ(server.TakeLog(), "GET /p?q=1 HTTP/1.1 https://h\nend\n");
}

TEST(H1ServerCodecTest, Http10) {
  ServerHarness server({.accept_http_10 = true, .default_host_for_http_10 = "default.example"});
  AnswerOk(server);
  server.Feed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET / HTTP/1.0 http://default.example\nConnection: Keep-Alive\nend\n");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok");
  server.Feed("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "GET / HTTP/1.0 http://h\nend\nclose\n");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
}

TEST(H1ServerCodecTest, Http10AnswerWithoutLengthEndsWithTheConnection) {
  ServerHarness server({.accept_http_10 = true});
  server.Feed("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  server.current().SendHead(200, {}, false);
  server.current().Send("abc", false);
  server.current().Send("", true);
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
  EXPECT_TRUE(server.log().ends_with("end\nclose\n"));
}

TEST(H1ServerCodecTest, CutAnswerWithoutFramingAborts) {
  ServerHarness server({.accept_http_10 = true});
  server.Feed("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  server.current().SendHead(200, {}, false);
  server.current().Send("abc", false);
  server.current().sender().Reset(StreamReset::kLocal);
  EXPECT_TRUE(server.log().ends_with("end\nabort\n"));
}

TEST(H1ServerCodecTest, ChunkedAnswer) {
  ServerHarness server({.enable_trailers = true});
  server.Feed(kGet);
  server.current().SendHead(200, {{"X-Kept", "Case"}, {"Transfer-Encoding", "gzip"}, {"Connection", "x-kept"}}, false);
  server.current().Send("hello", false);
  server.current().Send("", false);
  server.current().Send("0123456789abcdef", false);
  HeaderMap trailers(server.current().arena());
  trailers.Add("X-Sum", "1");
  trailers.Add("content-length", "9");
  server.current().sender().SendTrailers(trailers);
  EXPECT_EQ(server.TakeOutput(),
            "HTTP/1.1 200 OK\r\nX-Kept: Case\r\ntransfer-encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_FALSE(server.closing);
}

TEST(H1ServerCodecTest, AnswersThatHaveNoContent) {
  struct Case {
    std::string_view method;
    uint32_t status;
    bool with_length;
    std::string_view fields;
  };
  for (const Case& c : {
           Case{"GET", 204, false, ""},
           Case{"GET", 204, true, ""},
           Case{"GET", 304, false, ""},
           Case{"GET", 304, true, "Content-Length: 5\r\n"},
           Case{"HEAD", 200, false, ""},
           Case{"HEAD", 200, true, "Content-Length: 5\r\n"},
           Case{"GET", 200, false, "content-length: 0\r\n"},
           // A length that nothing will follow would swallow the next answer.
           Case{"GET", 200, true, "content-length: 0\r\n"},
       }) {
    ServerHarness server;
    server.Feed(StrCat(c.method, " / HTTP/1.1\r\nHost: h\r\n\r\n"));
    if (c.with_length) {
      server.current().SendHead(c.status, {{"Content-Length", "5"}}, true);
    } else {
      server.current().SendHead(c.status, {}, true);
    }
    EXPECT_EQ(server.TakeOutput(), StrCat("HTTP/1.1 ", c.status, " ", ReasonPhrase(c.status), "\r\n", c.fields, "\r\n"))
        << c.method << c.status << c.with_length;
    EXPECT_FALSE(server.closing);
  }
}

TEST(H1ServerCodecTest, ContentOfAnAnswerToHeadIsDropped) {
  ServerHarness server;
  server.Feed("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.current().Answer(200, "12345");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  EXPECT_FALSE(server.closing);
}

TEST(H1ServerCodecTest, NeverMoreThanTheLengthAnnounced) {
  ServerHarness server;
  server.Feed(kGet);
  server.current().SendHead(200, {{"content-length", "3"}}, false);
  server.current().Send("abcdef", true);
  EXPECT_TRUE(server.TakeOutput().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(server.closing);
}

TEST(H1ServerCodecTest, AnswerShorterThanAnnouncedCloses) {
  ServerHarness server;
  server.Feed(kGet);
  server.current().SendHead(200, {{"content-length", "30"}}, false);
  server.current().Send("abc", true);
  EXPECT_TRUE(server.closing);
}

TEST(H1ServerCodecTest, SeveralLengthsAreNotSentOn) {
  ServerHarness server;
  server.Feed(kGet);
  server.current().SendHead(200, {{"content-length", "3"}, {"content-length", "4"}}, false);
  server.current().Send("abc", true);
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
}

TEST(H1ServerCodecTest, FieldsThatWouldSplitTheHeadAreLeftOut) {
  for (const std::string& bad :
       {std::string("a\r\nb: c"), std::string("\n"), std::string("a\0b", 3), std::string(40, 'x') + "\n",
        "\r" + std::string(17, 'x'), std::string(9, 'y') + "\n1", std::string("12345\r")}) {
    ServerHarness server;
    server.Feed(kGet);
    server.current().SendHead(204, {{"x-a", "1"}, {"x-bad", bad}, {"x-b" + bad, "v"}, {"x-c", "2"}}, true);
    EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 204 No Content\r\nx-a: 1\r\nx-c: 2\r\n\r\n");
  }
}

TEST(H1ServerCodecTest, InformationalAnswers) {
  ServerHarness server({.accept_http_10 = true});
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ResponseHead head(server.current().arena());
  head.status = 100;
  server.current().sender().SendInformational(head);
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 100 Continue\r\n\r\n");
  server.Feed("ok");
  server.current().Answer(200, "");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_FALSE(server.closing);

  server.Feed("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  server.current().sender().SendInformational(head);
  EXPECT_EQ(server.TakeOutput(), "");
}

TEST(H1ServerCodecTest, ClientAsksToClose) {
  ServerHarness server;
  AnswerOk(server, "");
  server.Feed(StrCat("GET / HTTP/1.1\r\nHost: h\r\nConnection: x-a, Close\r\n\r\n", kGet));
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(server.closing);
  EXPECT_TRUE(server.dead);
  EXPECT_EQ(server.stream_count(), 1);
}

TEST(H1ServerCodecTest, DrainClosesWithTheNextAnswer) {
  ServerHarness server;
  server.Feed(kGet);
  server.codec.Drain();
  EXPECT_FALSE(server.closing);
  server.current().Answer(200, "x");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx");
  EXPECT_TRUE(server.closing);
}

TEST(H1ServerCodecTest, AnswerItselfAsksToClose) {
  ServerHarness server;
  server.Feed(kGet);
  server.current().SendHead(200, {{"Connection", "close"}}, true);
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(server.closing);
}

TEST(H1ServerCodecTest, EarlyAnswerIsTheLast) {
  ServerHarness server;
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nabc");
  server.current().Answer(413, "too large");
  EXPECT_EQ(server.TakeOutput(),
            "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\nconnection: close\r\n\r\ntoo large");
  EXPECT_TRUE(server.closing);
  server.TakeLog();
  server.Feed(StrCat("more", kGet));
  EXPECT_TRUE(server.dead);
  EXPECT_TRUE(server.in.empty());
  EXPECT_EQ(server.TakeLog(), "");
}

TEST(H1ServerCodecTest, AnswerThatBeganEarlyStillReadsTheRequest) {
  ServerHarness server;
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  server.current().SendHead(200, {}, false);
  server.Feed("cde");
  EXPECT_TRUE(server.log().ends_with("content abcde\nend\n"));
  server.current().Send("x", true);
  EXPECT_TRUE(server.closing);
}

TEST(H1ServerCodecTest, AnswerFromWithinTheHeadsEvent) {
  ServerHarness server;
  server.on_head = [](Stream& stream, bool) { stream.Answer(403, ""); };
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde");
  EXPECT_EQ(server.TakeLog(), "POST / HTTP/1.1 http://h\nContent-Length: 5\nclose\n");
}

TEST(H1ServerCodecTest, ResetFromWithinTheContentsEvent) {
  ServerHarness server;
  server.on_data = [](Stream& stream) { stream.sender().Reset(StreamReset::kLocal); };
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  EXPECT_TRUE(server.dead);
  EXPECT_EQ(server.TakeOutput(), "");
}

TEST(H1ServerCodecTest, RefusedRequestIsAnsweredThenClosed) {
  ServerHarness server;
  server.answer_errors = false;
  server.Feed("GET / HTTP/1.1\r\nHost : h\r\n\r\nrest");
  EXPECT_EQ(server.TakeLog(), "error 400 http1.codec_error.space_before_colon\n");
  EXPECT_FALSE(server.dead);
  server.Feed(kGet);
  EXPECT_TRUE(server.in.empty());
  EXPECT_EQ(server.stream_count(), 1);
  server.current().Answer(400, "bad");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad");
  EXPECT_EQ(server.TakeLog(), "close\n");
  server.Feed(kGet);
  EXPECT_TRUE(server.dead);
}

TEST(H1ServerCodecTest, FaultInContentComesAfterTheGoodPart) {
  ServerHarness server;
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n");
  EXPECT_EQ(server.TakeLog(),
            "POST / HTTP/1.1 http://h\nTransfer-Encoding: chunked\ncontent ab\n"
            "error 400 http1.codec_error.invalid_chunk_size\nclose\n");
}

TEST(H1ServerCodecTest, EndOfInput) {
  {  // Idle.
    ServerHarness server;
    AnswerOk(server);
    server.Feed(kGet);
    server.TakeLog();
    server.codec.OnEndOfInput();
    EXPECT_EQ(server.TakeLog(), "close\n");
  }
  {  // In a head.
    ServerHarness server;
    server.Feed("GET / HT");
    server.codec.OnEndOfInput();
    EXPECT_EQ(server.TakeLog(), "reset connection_termination\nclose\n");
  }
  {  // In a body.
    ServerHarness server;
    server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    server.codec.OnEndOfInput();
    EXPECT_TRUE(server.log().ends_with("content ab\nreset connection_termination\nclose\n"));
    EXPECT_EQ(server.codec.active_streams(), 0);
  }
  {  // A request read whole is answered still.
    ServerHarness server;
    server.Feed(kGet);
    server.codec.OnEndOfInput();
    EXPECT_FALSE(server.closing);
    server.current().Answer(200, "x");
    EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx");
    EXPECT_TRUE(server.closing);
  }
  {  // As are all that were sent ahead; the last, incomplete one is not.
    ServerHarness server;
    server.Feed(StrCat(kGet, kGet, "GET"));
    server.codec.OnEndOfInput();
    server.current().Answer(200, "1");
    EXPECT_FALSE(server.closing);
    server.RunIfResumed();
    EXPECT_EQ(server.stream_count(), 2);
    server.current().Answer(200, "2");
    server.TakeLog();
    server.RunIfResumed();
    EXPECT_EQ(server.TakeLog(), "reset connection_termination\nclose\n");
  }
}

TEST(H1ServerCodecTest, ConnectionLoss) {
  ServerHarness server;
  server.Feed(kGet);
  server.TakeLog();
  server.codec.OnConnectionClosed();
  EXPECT_EQ(server.TakeLog(), "reset connection_termination\n");
  server.codec.OnConnectionClosed();
  EXPECT_EQ(server.TakeLog(), "");
}

TEST(H1ServerCodecTest, WatermarksReachTheStream) {
  ServerHarness server;
  server.Feed(kGet);
  server.TakeLog();
  server.codec.OnSendBufferHigh();
  server.codec.OnSendBufferLow();
  EXPECT_EQ(server.TakeLog(), "high\nlow\n");
}

TEST(H1ServerCodecTest, NoRequestBeginsAboveTheOutputLimit) {
  ServerHarness server;
  AnswerOk(server, "0123456789");
  server.codec.set_output_limit(20);
  server.Feed(kGet);
  ASSERT_GT(server.out.length(), 20);
  EXPECT_TRUE(server.codec.output_is_full());
  server.Feed(kGet);
  EXPECT_EQ(server.stream_count(), 1);
  server.TakeOutput();
  EXPECT_FALSE(server.codec.output_is_full());
  server.Run();
  EXPECT_EQ(server.stream_count(), 2);
}

// A stream that began between the marks would never be told to stop.
TEST(H1ServerCodecTest, NoRequestBeginsUntilTheOutputIsLow) {
  ServerHarness server;
  AnswerOk(server, "0123456789");
  server.codec.set_output_limit(1000);
  server.Feed(kGet);
  server.codec.OnSendBufferHigh();
  server.out.Drain(server.out.length() / 2);
  server.Feed(kGet);
  EXPECT_EQ(server.stream_count(), 1);
  EXPECT_TRUE(server.codec.output_is_full());
  server.codec.OnSendBufferLow();
  EXPECT_FALSE(server.codec.output_is_full());
  server.Run();
  EXPECT_EQ(server.stream_count(), 2);
}

TEST(H1ServerCodecTest, LimitsOfSize) {
  const H1Options options{.max_head_bytes = 100, .max_headers = 3};
  const auto error = [&options](std::string_view bytes) {
    ServerHarness server(options);
    server.Feed(bytes);
    return StrCat(server.last_error().status, " ", server.last_error().details);
  };
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nx: ";
  const auto padded = [&head](size_t size) { return head + std::string(size - head.size() - 4, 'v') + "\r\n\r\n"; };
  EXPECT_EQ(error(padded(100)), "0 ");
  EXPECT_EQ(error(padded(101)), "431 http1.headers_too_large");
  EXPECT_EQ(error(head + std::string(1000, 'v')), "431 http1.headers_too_large");
  EXPECT_EQ(error("GET /" + std::string(95, 'x')), "414 http1.request_line_too_long");
  EXPECT_EQ(error("GET /" + std::string(94, 'x')), "0 ");
  EXPECT_EQ(error("GET / HTTP/1.1\r\nHost: h\r\na: 1\r\nb: 2\r\n\r\n"), "0 ");
  EXPECT_EQ(error("GET / HTTP/1.1\r\nHost: h\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"), "431 http1.too_many_headers");
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  EXPECT_EQ(error(chunked + "a: 1\r\nb: 2\r\nc: 3\r\n\r\n"), "0 ");
  EXPECT_EQ(error(chunked + "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n"), "431 http1.too_many_trailers");
  EXPECT_EQ(error(chunked + "a: " + std::string(98, 'v')), "431 http1.trailers_too_large");
}

TEST(H1ServerCodecTest, ChunkLinesAreBounded) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  ServerHarness long_extension;
  long_extension.Feed(head + "1;" + std::string(5000, 'x'));
  EXPECT_EQ(long_extension.last_error().details, "http1.codec_error.invalid_chunk_extension");
  // Many small chunks with much around them.
  ServerHarness overhead;
  overhead.Feed(head);
  for (int i = 0; i < 100; ++i) overhead.Feed("1;" + std::string(1000, 'x') + "\r\ny\r\n");
  EXPECT_EQ(overhead.last_error().details, "http1.codec_error.chunk_overhead_too_large");
  // Signed chunks as some clients send them, for as long as they please.
  ServerHarness fair;
  fair.Feed(head);
  const std::string chunk = "400;chunk-signature=" + std::string(64, 'a') + "\r\n" + std::string(1024, 'z') + "\r\n";
  for (int i = 0; i < 1000; ++i) fair.Feed(chunk);
  fair.Feed("0\r\n\r\n");
  EXPECT_TRUE(fair.log().ends_with("end\n"));
}

TEST(H1ServerCodecTest, EarlyRefusals) {
  // Not HTTP: told from the first byte.
  ServerHarness tls;
  tls.Feed("\x16\x03\x01");
  EXPECT_EQ(tls.last_error().details, "http1.codec_error.invalid_method");
  // The line is looked at as soon as it is there.
  ServerHarness version;
  version.Feed("GET / HTTP/3.0\r\n");
  EXPECT_EQ(version.last_error().status, 505);
  ServerHarness empty_lines;
  empty_lines.Feed("\r\n\r\n\r\n\r\n");
  EXPECT_EQ(empty_lines.stream_count(), 0);
  empty_lines.Feed("\r\n");
  EXPECT_EQ(empty_lines.last_error().details, "http1.codec_error.too_many_empty_lines");
}

TEST(H1ServerCodecTest, Http2PrefaceIsAnswered505) {
  ServerHarness server;
  server.Feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "error 505 http1.codec_error.http2_preface\nclose\n");
  EXPECT_TRUE(server.TakeOutput().starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"));
}

TEST(H1ServerCodecTest, Http10IsRefusedUnlessAsked) {
  ServerHarness server;
  server.Feed("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "error 426 low_version\nclose\n");
}

TEST(H1ServerCodecTest, AbsoluteFormIsRefusedWhenNotAllowed) {
  ServerHarness server({.allow_absolute_url = false});
  server.Feed("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), "error 400 http1.codec_error.absolute_form_refused\nclose\n");
}

TEST(H1ServerCodecTest, LargeContentKeepsItsSlices) {
  ServerHarness server;
  size_t received = 0;
  server.Feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10485760\r\n\r\n");
  const std::string piece(65536, 'x');
  for (int i = 0; i < 160; ++i) {
    server.Feed(piece);
    ASSERT_LE(server.pool.bytes_in_use(), 4 * piece.size());
    received += piece.size();
  }
  EXPECT_EQ(received, 10485760);
  EXPECT_TRUE(server.log().ends_with("end\n"));
}

}  // namespace
}  // namespace nuncio::http::h1
