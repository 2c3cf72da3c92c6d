// RFC 9113 6 and 7: each type of frame, and error codes.
#include "test/http/h2/conformance.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);
const std::string kRequest = Headers(1, Request());
constexpr uint32_t kMaxWindow = 0x7fffffff;

std::string Padded(uint8_t type, uint8_t flags, size_t padding, std::string_view content) {
  return Frame(type, flags | NGHTTP2_FLAG_PADDED, 1,
               std::string(1, static_cast<char>(padding)) + std::string(content) + std::string(padding, '\0'));
}

std::vector<Case> DataAndHeaders() {
  return {
      Alive("s6_1_data__generic_3_1_1", kOpen + Data(1, "test", kEndStream)),
      Alive("s6_1_several_data__generic_3_1_2", kOpen + Data(1, "test") + Data(1, "test", kEndStream)),
      Alive("s6_1_data_padded__generic_3_1_3", kOpen + Padded(NGHTTP2_DATA, kEndStream, 10, "test")),
      Alive("s6_1_data_padding_alone", kOpen + Padded(NGHTTP2_DATA, kEndStream, 255, "")),
      ConnectionError("s6_1_data_on_the_connection__http2_6_1_1", kOpen + Data(0, "test", kEndStream),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_1_data_padding_too_long__http2_6_1_3",
                      kOpen + Frame(NGHTTP2_DATA, kEndStream | NGHTTP2_FLAG_PADDED, 1, "\x05test"),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_1_data_without_pad_length", kOpen + Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, ""),
                      NGHTTP2_PROTOCOL_ERROR),
      Alive("s6_2_headers__generic_3_2_1", kRequest),
      Alive("s6_2_headers_padded__generic_3_2_2", Padded(NGHTTP2_HEADERS, kEnds, 10, Block(Request()))),
      ConnectionError("s6_2_headers_unfinished_before_priority__http2_6_2_1",
                      Headers(1, Request(), kEndStream) + Priority(1, 0), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_2_headers_unfinished_before_another_stream__http2_6_2_2",
                      Headers(1, Request(), kEndStream) + Headers(3, Request()), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_2_headers_on_the_connection__http2_6_2_3", Headers(0, Request()), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_2_headers_padding_too_long__http2_6_2_4",
                      Frame(NGHTTP2_HEADERS, kEnds | NGHTTP2_FLAG_PADDED, 1, "\xff" + Block(Request())),
                      NGHTTP2_PROTOCOL_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc9113DataAndHeaders, DataAndHeaders());

std::vector<Case> Control() {
  return {
      ConnectionError("s6_3_priority_on_the_connection__http2_6_3_1", Priority(0, 0), NGHTTP2_PROTOCOL_ERROR),
      StreamError("s6_3_priority_of_4__http2_6_3_2", kOpen + Frame(NGHTTP2_PRIORITY, 0, 1, "1234"),
                  NGHTTP2_FRAME_SIZE_ERROR),
      StreamError("s6_3_priority_of_6", kOpen + Frame(NGHTTP2_PRIORITY, 0, 1, "123456"), NGHTTP2_FRAME_SIZE_ERROR),
      Alive("s6_4_rst_stream__generic_3_4_1", kOpen + RstStream(1, NGHTTP2_CANCEL)),
      ConnectionError("s6_4_rst_stream_on_the_connection__http2_6_4_1", RstStream(0, NGHTTP2_CANCEL),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_4_rst_stream_of_3__http2_6_4_3", kOpen + Frame(NGHTTP2_RST_STREAM, 0, 1, "123"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_4_rst_stream_of_5", kOpen + Frame(NGHTTP2_RST_STREAM, 0, 1, "12345"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      Alive("s6_5_settings__generic_3_5_1", Settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}})),
      ConnectionError("s6_5_ack_with_payload__http2_6_5_1", Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "123456"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_5_settings_on_a_stream__http2_6_5_2", Frame(NGHTTP2_SETTINGS, 0, 1, ""),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_5_settings_of_3__http2_6_5_3", Frame(NGHTTP2_SETTINGS, 0, 0, "123"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_5_unexpected_ack", SettingsAck(), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_5_2_enable_push_2__http2_6_5_2_1", Settings({{NGHTTP2_SETTINGS_ENABLE_PUSH, 2}}),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_5_2_initial_window_too_large__http2_6_5_2_2__http2_6_9_2_3",
                      Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kMaxWindow + 1}}), NGHTTP2_FLOW_CONTROL_ERROR),
      ConnectionError("s6_5_2_max_frame_size_16383__http2_6_5_2_3",
                      Settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16383}}), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_5_2_max_frame_size_2_24__http2_6_5_2_4",
                      Settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1 << 24}}), NGHTTP2_PROTOCOL_ERROR),
      Alive("s6_5_2_unknown__http2_6_5_2_5", Settings({{0xff, 1}})),
      ConnectionError("rfc8441_3_enable_connect_protocol_2", Settings({{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2}}),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_6_push_promise__http2_8_2_1",
                      kOpen + Frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, Bytes(2, 4) + Block(Request())),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_7_ping_on_a_stream__http2_6_7_3", Frame(NGHTTP2_PING, 0, 1, "12345678"),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_7_ping_of_6__http2_6_7_4", Frame(NGHTTP2_PING, 0, 0, "123456"), NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_8_goaway_on_a_stream__http2_6_8_1",
                      Frame(NGHTTP2_GOAWAY, 0, 1, Bytes(0, 4) + Bytes(NGHTTP2_NO_ERROR, 4)), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_8_goaway_of_7", Frame(NGHTTP2_GOAWAY, 0, 0, "1234567"), NGHTTP2_FRAME_SIZE_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc9113Control, Control());

std::vector<Case> Windows() {
  return {
      Alive("s6_9_window_update__generic_3_9_1", WindowUpdate(0, 1)),
      Alive("s6_9_window_update_on_a_stream__generic_3_9_2", kOpen + WindowUpdate(1, 1)),
      ConnectionError("s6_9_no_increment__http2_6_9_1", WindowUpdate(0, 0), NGHTTP2_PROTOCOL_ERROR),
      StreamError("s6_9_no_increment_on_a_stream__http2_6_9_2", kOpen + WindowUpdate(1, 0), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_9_window_update_of_3__http2_6_9_3", Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "123"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_9_window_update_of_5_on_a_stream", kOpen + Frame(NGHTTP2_WINDOW_UPDATE, 0, 1, "12345"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s6_9_1_overflow__http2_6_9_1_2", WindowUpdate(0, kMaxWindow) + WindowUpdate(0, kMaxWindow),
                      NGHTTP2_FLOW_CONTROL_ERROR),
      StreamError("s6_9_1_overflow_on_a_stream__http2_6_9_1_3",
                  kOpen + WindowUpdate(1, kMaxWindow) + WindowUpdate(1, kMaxWindow), NGHTTP2_FLOW_CONTROL_ERROR),
      ConnectionError("s6_9_2_overflow_by_settings",
                      kOpen + WindowUpdate(1, kMaxWindow - 65535) +
                          Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65536}}),
                      NGHTTP2_FLOW_CONTROL_ERROR),
      ConnectionError("s6_9_2_overflow_by_one_of_several_settings",
                      kOpen + WindowUpdate(1, kMaxWindow - 65535) +
                          Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1},
                                    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65536},
                                    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2}}),
                      NGHTTP2_FLOW_CONTROL_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc9113Windows, Windows());

std::vector<Case> Continuations() {
  const std::string block = Block(Request());
  const std::string head = Frame(NGHTTP2_HEADERS, kEndStream, 1, block.substr(0, 5));
  return {
      Alive("s6_10_continuation__generic_3_10_1", head + Continuation(1, block.substr(5), kEndHeaders)),
      Alive("s6_10_several__generic_3_10_2__http2_6_10_1",
            head + Continuation(1, block.substr(5, 7), 0) + Continuation(1, block.substr(12), kEndHeaders)),
      ConnectionError("s6_10_followed_by_another_type__http2_6_10_2",
                      head + Continuation(1, block.substr(5, 7), 0) + Data(1, "test", kEndStream),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_10_on_the_connection__http2_6_10_3", head + Continuation(0, block.substr(5), kEndHeaders),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_10_after_the_end_of_headers__http2_6_10_4", kRequest + Continuation(1, block, kEndHeaders),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_10_after_the_end_by_continuation__http2_6_10_5",
                      head + Continuation(1, block.substr(5), kEndHeaders) + Continuation(1, block, kEndHeaders),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_10_after_data__http2_6_10_6",
                      kOpen + Data(1, "test") + Continuation(1, block, kEndHeaders), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s6_10_of_another_stream", head + Continuation(3, block.substr(5), kEndHeaders),
                      NGHTTP2_PROTOCOL_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc9113Continuations, Continuations());

std::vector<Case> ErrorCodes() {
  return {
      Alive("s7_unknown_code_in_rst_stream__http2_7_2", kOpen + RstStream(1, 0xff)),
      Alive("s7_unknown_code_in_goaway__http2_7_1", kOpen + GoAway(0, 0xff)),
      Alive("s6_8_goaway__generic_3_8_1", kOpen + GoAway(0, NGHTTP2_NO_ERROR)),
  };
}
NUNCIO_CONFORMANCE(Rfc9113ErrorCodes, ErrorCodes());

class DefinitionsTest : public ServerFixture {};

TEST_F(DefinitionsTest, s6_5_3_settings_are_acknowledged__http2_6_5_3_2) {
  Start();
  ASSERT_TRUE(Feed(Settings({{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}})));
  const auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].type, NGHTTP2_SETTINGS);
  EXPECT_EQ(frames[0].flags, NGHTTP2_FLAG_ACK);
}

TEST_F(DefinitionsTest, s6_5_3_the_last_of_several_values_counts__http2_6_5_3_1) {
  Start();
  ASSERT_TRUE(Feed(Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}}) +
                   kRequest));
  request(0).Answer(200, {}, "0123456789");
  EXPECT_EQ(BodyOf(Sent(), 1), "0");
}

TEST_F(DefinitionsTest, s6_5_2_larger_frames_are_sent_only_where_the_client_allows_them) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}});
  ASSERT_TRUE(Feed(WindowUpdate(0, 1 << 20) + kRequest));
  request(0).Answer(200, {}, std::string(100000, 'x'));
  const auto frames = Sent();
  for (const ParsedFrame& frame : frames) EXPECT_LE(frame.payload.size(), 16384u);
  EXPECT_EQ(BodyOf(frames, 1).size(), 100000);
}

TEST_F(DefinitionsTest, s6_7_ping_is_answered__generic_3_7_1__http2_6_7_1) {
  Start();
  ExpectAlive();
}

TEST_F(DefinitionsTest, s6_7_the_answer_to_ping_is_not__http2_6_7_2) {
  Start();
  ASSERT_TRUE(Feed(Ping("unasked.", NGHTTP2_FLAG_ACK) + Ping("asked...")));
  const auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].payload, "asked...");
}

TEST_F(DefinitionsTest, s6_9_1_no_more_than_the_window_is_sent__http2_6_9_1_1) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
  ASSERT_TRUE(Feed(kRequest));
  request(0).Answer(200, {}, "0123456789");
  EXPECT_EQ(BodyOf(Sent(), 1), "0");
  ASSERT_TRUE(Feed(WindowUpdate(1, 3)));
  EXPECT_EQ(BodyOf(Sent(), 1), "123");
}

TEST_F(DefinitionsTest, s6_9_2_a_change_of_the_window_concerns_open_streams__http2_6_9_2_1) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  ASSERT_TRUE(Feed(kRequest));
  request(0).Answer(200, {}, "0123456789");
  EXPECT_EQ(BodyOf(Sent(), 1), "");
  ASSERT_TRUE(Feed(Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}})));
  EXPECT_EQ(BodyOf(Sent(), 1), "0");
}

TEST_F(DefinitionsTest, s6_9_2_a_window_may_be_negative__http2_6_9_2_2) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3}});
  ASSERT_TRUE(Feed(kRequest));
  request(0).Answer(200, {}, "0123456789");
  EXPECT_EQ(BodyOf(Sent(), 1), "012");
  // Now -1, then 0, then 1.
  ASSERT_TRUE(Feed(Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2}})));
  EXPECT_EQ(BodyOf(Sent(), 1), "");
  ASSERT_TRUE(Feed(WindowUpdate(1, 1)));
  EXPECT_EQ(BodyOf(Sent(), 1), "");
  ASSERT_TRUE(Feed(WindowUpdate(1, 1)));
  EXPECT_EQ(BodyOf(Sent(), 1), "3");
}

TEST_F(DefinitionsTest, s6_9_what_the_client_sends_beyond_the_window_is_its_fault) {
  H2Options options;
  options.initial_stream_window_size = 65535;
  options.initial_connection_window_size = 1 << 20;
  Start(options);
  ASSERT_TRUE(Feed(kOpen));
  // Paused, so that nothing is credited.
  request(0).sender().PauseReading(true);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Feed(Data(1, std::string(16383, 'x'))));
  Sent();
  ASSERT_TRUE(Feed(Data(1, "1234")));
  ExpectStreamError(1, NGHTTP2_FLOW_CONTROL_ERROR);
  EXPECT_EQ(request(0).reset, StreamReset::kProtocolError);
  EXPECT_EQ(request(0).details, "http2.flow_control_error");
}

}  // namespace
}  // namespace nuncio::http::h2
