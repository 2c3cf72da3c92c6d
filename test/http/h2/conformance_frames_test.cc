// RFC 9113 3.4 to 4.3 and 5.4, 5.5: preface, frames, header blocks, errors, extensions.
#include "test/http/h2/conformance.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);
const std::string kRequest = Headers(1, Request());
constexpr uint8_t kUnknownType = 0x16;
constexpr uint8_t kEveryFlag = 0xff;

std::vector<Case> Frames() {
  return {
      // 4.1: unknown types are ignored, undefined flags and the reserved bit too.
      Alive("s4_1_unknown_type__http2_4_1_1__http2_5_5_1", Frame(kUnknownType, 0, 0, "12345678") + kRequest),
      Alive("s4_1_unknown_type_on_a_stream",
            kOpen + Frame(kUnknownType, kEveryFlag, 1, "x") + Data(1, "y", kEndStream)),
      Alive("s4_1_undefined_flags__http2_4_1_2", Ping("12345678", kEveryFlag & ~NGHTTP2_FLAG_ACK)),
      Alive("s4_1_reserved_bit__http2_4_1_3", Frame(NGHTTP2_PING, 0, 0x80000000, "12345678")),
      // 4.2.
      Alive("s4_2_data_of_16384__http2_4_2_1", kOpen + Data(1, std::string(16384, 'x'), kEndStream)),
      ConnectionError("s4_2_data_of_16385__http2_4_2_2", kOpen + Data(1, std::string(16385, 'x'), kEndStream),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s4_2_headers_of_16385__http2_4_2_3",
                      Frame(NGHTTP2_HEADERS, kEnds, 1, Block(Request()) + std::string(16384, '\0')),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s4_2_settings_of_16386", Frame(NGHTTP2_SETTINGS, 0, 0, std::string(16386, '\0')),
                      NGHTTP2_FRAME_SIZE_ERROR),
      ConnectionError("s4_2_priority_in_headers_cut", Frame(NGHTTP2_HEADERS, kEnds | NGHTTP2_FLAG_PRIORITY, 1, "1234"),
                      NGHTTP2_FRAME_SIZE_ERROR),
      // 4.3: a block is one unit.
      ConnectionError("s4_3_garbage__http2_4_3_1", Frame(NGHTTP2_HEADERS, kEnds, 1, "\xff\xff\xff\xff\xff\xff\xff\xff"),
                      NGHTTP2_COMPRESSION_ERROR),
      ConnectionError("s4_3_priority_within_a_block__http2_4_3_2", Headers(1, Request(), kEndStream) + Priority(1, 0),
                      NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s4_3_headers_of_another_stream_within_a_block__http2_4_3_3",
                      Headers(1, Request(), kEndStream) + Headers(3, Request()), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s4_3_unknown_type_within_a_block__http2_5_5_2",
                      Headers(1, Request(), kEndStream) + Frame(kUnknownType, 0, 1, ""), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s4_3_ping_within_a_block", Headers(1, Request(), kEndStream) + Ping(), NGHTTP2_PROTOCOL_ERROR),
      ConnectionError("s4_3_window_update_within_a_block", Headers(1, Request(), kEndStream) + WindowUpdate(1, 0),
                      NGHTTP2_PROTOCOL_ERROR),
      // 5.4.1.
      ConnectionError("s5_4_1_goaway_precedes_the_close__http2_5_4_1_1__http2_5_4_1_2", Ping("123456"),
                      NGHTTP2_FRAME_SIZE_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc9113Frames, Frames());

class PrefaceTest : public ServerFixture {};

TEST_F(PrefaceTest, s3_4_preface__generic_1_1__http2_3_5_1) {
  StartBare();
  ASSERT_TRUE(Feed(std::string(kPreface) + Settings({})));
  const auto frames = Sent();
  ASSERT_GE(frames.size(), 2);
  EXPECT_EQ(frames[0].type, NGHTTP2_SETTINGS) << "the server's preface is SETTINGS";
  EXPECT_EQ(frames[0].flags, 0);
}

TEST_F(PrefaceTest, s3_4_invalid_preface__http2_3_5_2) {
  for (const std::string& bytes :
       {std::string("INVALID CONNECTION PREFACE\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + Settings({})}) {
    StartBare();
    EXPECT_FALSE(Feed(bytes));
    ExpectConnectionError(NGHTTP2_PROTOCOL_ERROR);
  }
}

TEST_F(PrefaceTest, s3_4_the_first_frame_is_settings) {
  for (const std::string& frame : {Ping(), SettingsAck(), Headers(1, Request())}) {
    StartBare();
    EXPECT_FALSE(Feed(std::string(kPreface) + frame));
    ExpectConnectionError(NGHTTP2_PROTOCOL_ERROR);
  }
}

}  // namespace
}  // namespace nuncio::http::h2
