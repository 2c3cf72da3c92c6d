// RFC 9113 8: what makes a request malformed (8.1.1), and with it the ways to smuggle one into HTTP/1 (10.3).
#include "test/http/h2/conformance.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);

Case Malformed(std::string name, std::string input) {
  return StreamError(std::move(name), std::move(input), NGHTTP2_PROTOCOL_ERROR);
}
// A request with one more field.
Case BadField(std::string name, std::string field, std::string value) {
  return Malformed(std::move(name), Headers(1, Request("GET", "/", {{std::move(field), std::move(value)}})));
}
// A request with a pseudo-header in another form.
Fields With(std::string_view name, std::string_view value) {
  Fields fields = Request();
  for (auto& [n, v] : fields) {
    if (n == name) v = value;
  }
  return fields;
}
Fields Without(std::string_view name) {
  Fields fields = Request();
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

std::vector<Case> Framing() {
  return {
      Alive("s8_1_get__generic_4_1", Headers(1, Request("GET"))),
      Alive("s8_1_head__generic_4_2", Headers(1, Request("HEAD"))),
      Alive("s8_1_post__generic_4_3", kOpen + Data(1, "test", kEndStream)),
      Alive("s8_1_trailers__generic_4_4", kOpen + Data(1, "test") + Headers(1, {{"x-test", "ok"}})),
      Alive("s8_1_trailers_without_body", kOpen + Headers(1, {{"x-test", "ok"}})),
      Malformed("s8_1_trailers_that_end_nothing__http2_8_1_1", kOpen + Headers(1, {{"x-test", "ok"}}, kEndHeaders)),
      Malformed("s8_1_data_after_such_trailers",
                kOpen + Headers(1, {{"x", "y"}}, kEndHeaders) + Data(1, "", kEndStream)),
      Malformed(
          "s8_1_1_length_longer_than_data__http2_8_1_2_6_1",
          Headers(1, Request("POST", "/", {{"content-length", "10"}}), kEndHeaders) + Data(1, "test", kEndStream)),
      Malformed("s8_1_1_length_longer_than_several_data__http2_8_1_2_6_2",
                Headers(1, Request("POST", "/", {{"content-length", "10"}}), kEndHeaders) + Data(1, "test") +
                    Data(1, "test", kEndStream)),
      Malformed("s8_1_1_length_shorter_than_data",
                Headers(1, Request("POST", "/", {{"content-length", "3"}}), kEndHeaders) + Data(1, "test", kEndStream)),
      Malformed("s8_1_1_length_exceeded_at_once",
                Headers(1, Request("POST", "/", {{"content-length", "3"}}), kEndHeaders) + Data(1, "test")),
      Malformed("s8_1_1_length_without_body", Headers(1, Request("POST", "/", {{"content-length", "1"}}))),
      Malformed("s8_1_1_length_before_trailers",
                Headers(1, Request("POST", "/", {{"content-length", "5"}}), kEndHeaders) + Data(1, "test") +
                    Headers(1, {{"x", "y"}})),
      Alive("s8_1_1_length_0_without_body", Headers(1, Request("POST", "/", {{"content-length", "0"}}))),
      Alive("s8_1_1_length_as_data",
            Headers(1, Request("POST", "/", {{"content-length", "8"}}), kEndHeaders) + Data(1, "test") +
                Frame(NGHTTP2_DATA, kEndStream | NGHTTP2_FLAG_PADDED, 1, std::string("\x02test\0\0", 7))),
      BadField("s8_1_1_length_negative", "content-length", "-1"),
      BadField("s8_1_1_length_signed", "content-length", "+1"),
      BadField("s8_1_1_length_hex", "content-length", "0x0"),
      BadField("s8_1_1_length_list", "content-length", "0, 0"),
      BadField("s8_1_1_length_empty", "content-length", ""),
      BadField("s8_1_1_length_huge", "content-length", "99999999999999999999"),
      Malformed("s8_1_1_two_lengths",
                Headers(1, Request("POST", "/", {{"content-length", "0"}, {"content-length", "0"}}))),
  };
}
NUNCIO_CONFORMANCE(Rfc9113MessageFraming, Framing());

std::vector<Case> FieldsOfRequests() {
  std::vector<Case> cases = {
      BadField("s8_2_upper_case_name__http2_8_1_2_1", "X-TEST", "ok"),
      BadField("s8_2_upper_case_well_known", "User-agent", "x"),
      BadField("s8_2_1_empty_name", "", "x"),
      BadField("s8_2_1_space_in_name", "x y", "z"),
      BadField("s8_2_1_colon_in_name", "x:y", "z"),
      BadField("s8_2_1_trailing_colon", "x:", "z"),
      BadField("s8_2_1_cr_in_name", "x\ry", "z"),
      BadField("s8_2_1_lf_in_name", "x\ny", "z"),
      BadField("s8_2_1_nul_in_name", std::string("x\0y", 3), "z"),
      BadField("s8_2_1_line_in_name", "x: y\r\ntransfer-encoding: chunked\r\nz", "z"),
      BadField("s8_2_1_obs_text_in_name", "x\x80", "z"),
      BadField("s8_2_1_separator_in_name", "x/y", "z"),
      BadField("s8_2_1_cr_in_value", "x", "a\rb"),
      BadField("s8_2_1_lf_in_value", "x", "a\nb"),
      BadField("s8_2_1_nul_in_value", "x", std::string("a\0b", 3)),
      BadField("s8_2_1_line_in_value", "x", "a\r\ntransfer-encoding: chunked"),
      BadField("s8_2_1_request_in_value", "x", "a\r\n\r\nGET /admin HTTP/1.1\r\nhost: internal\r\n"),
      BadField("s8_2_1_control_byte_in_value", "x", "a\x01"),
      BadField("s8_2_1_del_in_value", "x", "a\x7f"),
      BadField("s8_2_1_lf_far_in_value", "x", std::string(100, 'a') + "\n" + std::string(100, 'a')),
      BadField("s8_2_1_leading_space", "x", " a"),
      BadField("s8_2_1_trailing_space", "x", "a "),
      BadField("s8_2_1_leading_tab", "x", "\ta"),
      BadField("s8_2_1_trailing_tab", "x", "a\t"),
      BadField("s8_2_1_blank", "x", " "),
      Alive("s8_2_1_obs_text_and_inner_blanks_in_value", Headers(1, Request("GET", "/", {{"x", "a\t \x80\xff b"}}))),
      Alive("s8_2_1_empty_value", Headers(1, Request("GET", "/", {{"x", ""}}))),
      // 8.2.2; h2spec's first is `connection`.
      BadField("s8_2_2_connection__http2_8_1_2_2_1", "connection", "keep-alive"),
      BadField("s8_2_2_connection_close", "connection", "close"),
      BadField("s8_2_2_keep_alive", "keep-alive", "timeout=5"),
      BadField("s8_2_2_proxy_connection", "proxy-connection", "keep-alive"),
      BadField("s8_2_2_transfer_encoding", "transfer-encoding", "chunked"),
      BadField("s8_2_2_transfer_encoding_identity", "transfer-encoding", "identity"),
      BadField("s8_2_2_upgrade", "upgrade", "websocket"),
      BadField("s8_2_2_te__http2_8_1_2_2_2", "te", "trailers, deflate"),
      BadField("s8_2_2_te_gzip", "te", "gzip"),
      Alive("s8_2_2_te_trailers", Headers(1, Request("GET", "/", {{"te", "trailers"}}))),
      Malformed("s8_2_2_transfer_encoding_among_trailers",
                kOpen + Data(1, "x") + Headers(1, {{"transfer-encoding", "chunked"}})),
      Malformed("s8_2_1_line_in_a_trailer", kOpen + Data(1, "x") + Headers(1, {{"x", "a\r\nb: c"}})),
  };
  return cases;
}
NUNCIO_CONFORMANCE(Rfc9113Fields, FieldsOfRequests());

std::vector<Case> PseudoHeaders() {
  Fields late = Without(":path");
  late.insert(late.end(), {{"x", "y"}, {":path", "/"}});
  Fields status = Request();
  status.insert(status.begin(), {":status", "200"});
  Fields unknown = Request();
  unknown.insert(unknown.begin(), {":test", "test"});
  const auto twice = [](std::string_view name, std::string_view value) {
    Fields fields = Request();
    fields.insert(fields.begin(), {std::string(name), std::string(value)});
    return Headers(1, fields);
  };
  return {
      Malformed("s8_3_unknown__http2_8_1_2_1_1", Headers(1, unknown)),
      Malformed("s8_3_of_an_answer__http2_8_1_2_1_2", Headers(1, status)),
      Malformed("s8_3_among_trailers__http2_8_1_2_1_3", kOpen + Data(1, "x") + Headers(1, {{":method", "GET"}})),
      Malformed("s8_3_status_among_trailers", kOpen + Headers(1, {{"x", "y"}, {":status", "200"}})),
      Malformed("s8_3_after_a_field__http2_8_1_2_1_4", Headers(1, late)),
      Malformed("s8_3_empty_name_with_colon", Headers(1, Request("GET", "/", {{":", "x"}}))),
      Malformed("s8_3_1_empty_path__http2_8_1_2_3_1", Headers(1, With(":path", ""))),
      Malformed("s8_3_1_no_method__http2_8_1_2_3_2", Headers(1, Without(":method"))),
      Malformed("s8_3_1_no_scheme__http2_8_1_2_3_3", Headers(1, Without(":scheme"))),
      Malformed("s8_3_1_no_path__http2_8_1_2_3_4", Headers(1, Without(":path"))),
      Malformed("s8_3_1_two_methods__http2_8_1_2_3_5", twice(":method", "GET")),
      Malformed("s8_3_1_two_schemes__http2_8_1_2_3_6", twice(":scheme", "http")),
      Malformed("s8_3_1_two_paths__http2_8_1_2_3_7", twice(":path", "/")),
      Malformed("s8_3_1_two_authorities", twice(":authority", "example.com")),
      Malformed("s8_3_1_no_authority", Headers(1, Without(":authority"))),
      Malformed("s8_3_1_empty_authority", Headers(1, With(":authority", ""))),
      Malformed("s8_1_1_no_fields_at_all", Frame(NGHTTP2_HEADERS, kEnds, 1, "")),
      // Values that could become another request line or Host.
      Malformed("s8_3_1_method_with_space", Headers(1, With(":method", "GET /admin HTTP/1.1"))),
      Malformed("s8_3_1_method_with_line", Headers(1, With(":method", "GET / HTTP/1.1\r\nx: y\r\n\r\nGET"))),
      Malformed("s8_3_1_method_empty", Headers(1, With(":method", ""))),
      Malformed("s8_3_1_path_with_space", Headers(1, With(":path", "/a b"))),
      Malformed("s8_3_1_path_with_line", Headers(1, With(":path", "/ HTTP/1.1\r\nhost: evil\r\n"))),
      Malformed("s8_3_1_path_with_lf", Headers(1, With(":path", "/a\nb"))),
      Malformed("s8_3_1_path_with_nul", Headers(1, With(":path", std::string_view("/a\0b", 4)))),
      Malformed("s8_3_1_path_with_fragment", Headers(1, With(":path", "/a#b"))),
      Malformed("s8_3_1_path_with_tab", Headers(1, With(":path", "/a\tb"))),
      Malformed("s8_3_1_path_relative", Headers(1, With(":path", "a"))),
      Malformed("s8_3_1_path_absolute_form", Headers(1, With(":path", "http://evil/"))),
      Malformed("s8_3_1_path_asterisk_of_get", Headers(1, With(":path", "*"))),
      Alive("s8_3_1_path_asterisk_of_options", Headers(1, Request("OPTIONS", "*"))),
      Malformed("s8_3_1_scheme_unknown", Headers(1, With(":scheme", "ftp"))),
      Malformed("s8_3_1_scheme_with_line", Headers(1, With(":scheme", "http\r\nx: y"))),
      Malformed("s8_3_1_scheme_with_target", Headers(1, With(":scheme", "https://example.com"))),
      Malformed("s8_3_1_authority_with_userinfo", Headers(1, With(":authority", "user@example.com"))),
      Malformed("s8_3_1_authority_with_space", Headers(1, With(":authority", "example.com evil"))),
      Malformed("s8_3_1_authority_with_line", Headers(1, With(":authority", "example.com\r\nx: y"))),
      Malformed("s8_3_1_authority_with_path", Headers(1, With(":authority", "example.com/admin"))),
      Malformed("s8_3_1_authority_bad_port", Headers(1, With(":authority", "example.com:99999"))),
      Malformed("s8_3_1_host_differs", Headers(1, Request("GET", "/", {{"host", "evil.com"}}))),
      Malformed("s8_3_1_two_hosts",
                Headers(1, Request("GET", "/", {{"host", "example.com"}, {"host", "example.com"}}))),
      Alive("s8_3_1_host_agrees", Headers(1, Request("GET", "/", {{"host", "EXAMPLE.com"}}))),
      Alive("s8_3_1_authority_with_port", Headers(1, With(":authority", "[::1]:443"))),
      // 8.5 and RFC 8441 4.
      Alive("s8_5_connect", Headers(1, {{":method", "CONNECT"}, {":authority", "example.com:443"}}, kEndHeaders)),
      Malformed("s8_5_connect_with_path",
                Headers(1, {{":method", "CONNECT"}, {":authority", "example.com:443"}, {":path", "/"}}, kEndHeaders)),
      Malformed("s8_5_connect_with_scheme",
                Headers(1, {{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "a:443"}}, kEndHeaders)),
      Malformed("s8_5_connect_without_authority", Headers(1, {{":method", "CONNECT"}}, kEndHeaders)),
      Malformed("s8_5_connect_without_port",
                Headers(1, {{":method", "CONNECT"}, {":authority", "example.com"}}, kEndHeaders)),
      Malformed("s8_5_connect_with_length",
                Headers(1, {{":method", "CONNECT"}, {":authority", "a:1"}, {"content-length", "5"}}, kEndHeaders)),
      Malformed("rfc8441_3_protocol_where_it_was_not_offered", twice(":protocol", "websocket")),
  };
}
NUNCIO_CONFORMANCE(Rfc9113PseudoHeaders, PseudoHeaders());

class MessagesTest : public ServerFixture {};

TEST_F(MessagesTest, AMalformedRequestIsToldAndCounted) {
  Start();
  ASSERT_TRUE(
      Feed(Headers(1, Request("GET", "/", {{"X", "y"}})) + Headers(3, With(":path", "x")) + Headers(5, Request())));
  ASSERT_EQ(request_count(), 3);
  EXPECT_EQ(request(0).reset, StreamReset::kProtocolError);
  EXPECT_EQ(request(0).details, "http2.invalid.header.field");
  EXPECT_EQ(request(1).reset, StreamReset::kProtocolError);
  EXPECT_EQ(request(2).method, "GET");
  EXPECT_EQ(stats_.rx_messaging_error.value(), 2);
  EXPECT_EQ(codec_->active_streams(), 1);
}

TEST_F(MessagesTest, AMalformedRequestEndsTheConnectionWhereTheOptionsSaySo) {
  H2Options options;
  options.stream_error_on_invalid_message = false;
  Start(options);
  ASSERT_TRUE(Feed(Headers(1, Request("POST"), kEndHeaders)));
  EXPECT_FALSE(Feed(Headers(3, Request("GET", "/", {{"X", "y"}})) + Headers(5, Request())));
  ExpectConnectionError(NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(request(0).reset, StreamReset::kProtocolError);
  EXPECT_EQ(request_count(), 2);
  EXPECT_EQ(stats_.rx_messaging_error.value(), 1);
}

TEST_F(MessagesTest, TrailersThatMustNotBeAreDropped) {
  Start();
  ASSERT_TRUE(
      Feed(kOpen + Data(1, "x") + Headers(1, {{"content-length", "5"}, {"x-forwarded-for", "1.2.3.4"}, {"x", "y"}})));
  EXPECT_THAT(request(0).trailers, testing::ElementsAre(testing::Pair("x", "y")));
  ASSERT_TRUE(Feed(Headers(3, Request("POST"), kEndHeaders) + Headers(3, {{"host", "evil"}})));
  EXPECT_TRUE(request(1).trailers.empty());
  EXPECT_TRUE(request(1).ended);
}

}  // namespace
}  // namespace nuncio::http::h2
