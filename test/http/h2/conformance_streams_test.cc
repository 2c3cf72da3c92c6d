// RFC 9113 5.1 to 5.3: the states of streams, their numbers, concurrency, priorities.
#include "test/http/h2/conformance.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);
const std::string kHalfClosed = Headers(1, Request());
const std::string kReset = kOpen + RstStream(1, NGHTTP2_CANCEL);

std::vector<Case> Streams() {
  return {
      // idle: nothing but HEADERS and PRIORITY.
      ConnectionError("s5_1_idle_data__http2_5_1_1", Data(1, "test", kEndStream), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_idle_rst_stream__http2_5_1_2__http2_6_4_2", RstStream(1, NGHTTP2_CANCEL),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_idle_window_update__http2_5_1_3", WindowUpdate(1, 100), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_idle_continuation__http2_5_1_4", Continuation(1, Block(Request()), kEndHeaders),
                      NGHTTP2_PROTOCOL_ERROR),
      Alive("s5_1_idle_priority__generic_2_1", Priority(1, 0, 255)),
      // half-closed (remote).
      StreamError("s5_1_half_closed_remote_data__http2_5_1_5__http2_6_1_2", kHalfClosed + Data(1, "test", kEndStream),
                  NGHTTP2_STREAM_CLOSED),
      StreamError("s5_1_half_closed_remote_empty_data", kHalfClosed + Data(1, "", kEndStream), NGHTTP2_STREAM_CLOSED),
      // The block must go through the decompressor, and nghttp2 takes it no other way; 5.4.1 allows the wider scope.
      ConnectionError("s5_1_half_closed_remote_headers__http2_5_1_6", kHalfClosed + Headers(1, Request()),
                      NGHTTP2_STREAM_CLOSED),
      ConnectionError("s5_1_half_closed_remote_continuation__http2_5_1_7",
                      kHalfClosed + Continuation(1, Block(Request()), kEndHeaders), NGHTTP2_PROTOCOL_ERROR),
      Alive("s5_1_half_closed_remote_window_update__generic_2_2", kHalfClosed + WindowUpdate(1, 1)),
      Alive("s5_1_half_closed_remote_priority__generic_2_3", kHalfClosed + Priority(1, 0, 255)),
      Alive("s5_1_half_closed_remote_rst_stream__generic_2_4", kHalfClosed + RstStream(1, NGHTTP2_CANCEL)),
      // closed by the client's RST_STREAM: a stream error, of a stream that can carry none any more.
      ConnectionError("s5_1_reset_data__http2_5_1_8", kReset + Data(1, "test", kEndStream), NGHTTP2_STREAM_CLOSED),
      ConnectionError("s5_1_reset_headers__http2_5_1_9", kReset + Headers(1, Request()), NGHTTP2_STREAM_CLOSED),
      ConnectionError("s5_1_reset_continuation__http2_5_1_10",
                      kReset + Continuation(1, Block({{"x", "y"}}), kEndHeaders), NGHTTP2_PROTOCOL_ERROR),
      Alive("s5_1_reset_twice", kReset + RstStream(1, NGHTTP2_CANCEL)),
      Alive("s5_1_reset_window_update", kReset + WindowUpdate(1, 1)),
      // closed by END_STREAM both ways.
      After(kHalfClosed,
            ConnectionError("s5_1_closed_data__http2_5_1_11", Data(1, "test", kEndStream), NGHTTP2_STREAM_CLOSED)),
      After(kHalfClosed,
            ConnectionError("s5_1_closed_headers__http2_5_1_12", Headers(1, Request()), NGHTTP2_STREAM_CLOSED)),
      After(kHalfClosed, ConnectionError("s5_1_closed_continuation__http2_5_1_13",
                                         Continuation(1, Block({{"x", "y"}}), kEndHeaders), NGHTTP2_PROTOCOL_ERROR)),
      After(kHalfClosed, Alive("s5_1_closed_priority__generic_2_5", Priority(1, 0, 255))),
      After(kHalfClosed, Alive("s5_1_closed_window_update", WindowUpdate(1, 1))),
      After(kHalfClosed,
            ConnectionError("s5_1_closed_window_update_of_nothing", WindowUpdate(1, 0), NGHTTP2_PROTOCOL_ERROR)),
      After(kHalfClosed, ConnectionError("s5_1_closed_priority_of_4", Frame(NGHTTP2_PRIORITY, 0, 1, "1234"),
                                         NGHTTP2_FRAME_SIZE_ERROR)),
      After(kHalfClosed, Alive("s5_1_closed_rst_stream", RstStream(1, NGHTTP2_CANCEL))),
      // 5.1.1.
      ConnectionError("s5_1_1_even_number__http2_5_1_1_1", Headers(2, Request()), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_1_smaller_number__http2_5_1_1_2", Headers(5, Request()) + Headers(3, Request()),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_1_number_0", Headers(0, Request()), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_1_1_data_on_a_number_passed_over", Headers(5, Request()) + Data(3, "x"),
                      NGHTTP2_STREAM_CLOSED),
      ConnectionError("s5_1_1_data_on_an_even_number", kOpen + Data(2, "x"), NGHTTP2_PROTOCOL_ERROR),
      // 5.3: deprecated, and not heeded; still to be well-formed.
      ConnectionError("s5_3_headers_depend_on_themselves__http2_5_3_1_1",
                      Frame(NGHTTP2_HEADERS, kEnds | NGHTTP2_FLAG_PRIORITY, 1, Bytes(1, 4) + '\x0f' + Block(Request())),
                      NGHTTP2_PROTOCOL_ERROR),
      StreamError("s5_3_priority_depends_on_itself", kOpen + Priority(1, 1), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s5_3_priority_of_an_idle_stream_depends_on_itself__http2_5_3_1_2", Priority(2, 2),
                      NGHTTP2_PROTOCOL_ERROR),
      After(kHalfClosed, ConnectionError("s5_3_priority_of_a_closed_stream_depends_on_itself", Priority(1, 1),
                                         NGHTTP2_PROTOCOL_ERROR)),
      Alive("s5_3_priority_1__generic_3_3_1", Priority(1, 0, 0) + kHalfClosed),
      Alive("s5_3_priority_256__generic_3_3_2", Priority(1, 0, 255) + kHalfClosed),
      Alive("s5_3_dependency__generic_3_3_3", Priority(1, 0) + Priority(3, 1) + kHalfClosed + Headers(3, Request())),
      Alive("s5_3_exclusive__generic_3_3_4", Priority(1, 0x80000000) + kHalfClosed),
      Alive("s5_3_priority_of_a_later_stream_first__generic_3_3_5", Priority(3, 0) + kHalfClosed),
      Alive("s5_3_headers_with_priority__generic_3_2_3",
            Frame(NGHTTP2_HEADERS, kEnds | NGHTTP2_FLAG_PRIORITY, 1, Bytes(0, 4) + '\x0f' + Block(Request()))),
  };
}
NUNCIO_CONFORMANCE(Rfc9113Streams, Streams());

class ConcurrencyTest : public ServerFixture {};

TEST_F(ConcurrencyTest, s5_1_2_streams_above_the_limit_are_refused__http2_5_1_2_1) {
  H2Options options;
  options.max_concurrent_streams = 2;
  Start(options);
  ASSERT_TRUE(Feed(Headers(1, Request()) + Headers(3, Request("POST"), kEndHeaders)));
  ASSERT_TRUE(Feed(Headers(5, Request("POST", "/", {{"x-table", "entry"}}), kEndHeaders)));
  EXPECT_EQ(request_count(), 2);
  ExpectStreamError(5, NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(downstream_stats_.stream_refused_errors.value(), 1);
  // What was under way to it is no fault.
  ASSERT_TRUE(Feed(Data(5, "late") + Headers(5, {{"x", "y"}})));
  ExpectAlive();
  request(0).Answer(200, {}, "");
  ASSERT_TRUE(Feed(Headers(7, Request())));
  EXPECT_EQ(request_count(), 3);
  ExpectAlive();
}

TEST_F(ConcurrencyTest, s5_1_frames_on_streams_that_this_side_reset_are_ignored) {
  Start();
  std::string late;
  // More than are remembered one by one.
  for (uint32_t id = 1; id < 400; id += 2) {
    ASSERT_TRUE(Feed(Headers(id, Request("POST"), kEndHeaders)));
    request(request_count() - 1).sender().Reset(StreamReset::kLocal);
    late += Data(id, "late") + Headers(id, {{"x", "y"}}) + WindowUpdate(id, 1) + RstStream(id, NGHTTP2_CANCEL);
  }
  EXPECT_TRUE(Feed(late));
  ExpectAlive();
}

}  // namespace
}  // namespace nuncio::http::h2
