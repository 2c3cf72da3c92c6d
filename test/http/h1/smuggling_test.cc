// What RFC 9112 lets a recipient refuse because others might read it differently, by section. Each is refused, the
// connection closed, and nothing of it reaches the application as a request or as the end of one.
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

struct Case {
  std::string_view section;
  std::string_view name;
  std::string_view bytes;
  uint32_t status;
  std::string_view details;
};

#define HOST "Host: h\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

using namespace std::string_view_literals;

const Case kCases[] = {
    // 2.2: message parsing.
    {"2.2", "bare LF ends the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400, "http1.codec_error.bare_lf"},
    {"2.2", "bare LF ends a field line", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "http1.codec_error.bare_lf"},
    {"2.2", "bare LF ends the head", "GET / HTTP/1.1\r\n" HOST "\n", 400, "http1.codec_error.bare_lf"},
    {"2.2", "LF only throughout", "GET / HTTP/1.1\nHost: h\n\n", 400, "http1.codec_error.bare_lf"},
    {"2.2", "bare CR in a value", "GET / HTTP/1.1\r\n" HOST "a: b\rc: d\r\n\r\n", 400, "http1.codec_error.bare_cr"},
    {"2.2", "bare CR in a name", "GET / HTTP/1.1\r\n" HOST "a\rb: c\r\n\r\n", 400, "http1.codec_error.bare_cr"},
    {"2.2", "CR CR LF after a value", "GET / HTTP/1.1\r\n" HOST "a: b\r\r\n\r\n", 400, "http1.codec_error.bare_cr"},
    {"2.2", "bare CR ends the request line", "GET / HTTP/1.1\r" HOST "\r\n", 400, "http1.codec_error.bare_cr"},
    {"2.2", "bare CR before the head's end", "GET / HTTP/1.1\r\n" HOST "\ra: b\r\n\r\n", 400,
     "http1.codec_error.bare_cr"},
    {"2.2", "white space after the request line", "GET / HTTP/1.1\r\n " HOST "\r\n", 400, "http1.codec_error.obs_fold"},
    {"2.2", "bare LF before the request", "\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    {"2.2", "bare CR before the request", "\rGET / HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    // 2.3: version.
    {"2.3", "lower-case name", "GET / http/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"2.3", "two digits", "GET / HTTP/1.10\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"2.3", "no minor", "GET / HTTP/1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"2.3", "no name", "GET / 1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"2.3", "not a digit", "GET / HTTP/1.x\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"2.3", "major 0", "GET / HTTP/0.9\r\n" HOST "\r\n", 505, "http1.codec_error.unsupported_version"},
    {"2.3", "major 2", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, "http1.codec_error.unsupported_version"},
    // 3: request line.
    {"3", "no version", "GET /\r\n\r\n", 400, "http1.codec_error.invalid_request_line"},
    {"3", "no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_request_line"},
    {"3", "empty target", "GET  HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3", "two spaces before the version", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"3", "space behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"3", "tab for a space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    {"3", "tab before the version", "GET /\tHTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3", "space in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_version"},
    {"3", "space first", " GET / HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    {"3.1", "delimiter in the method", "G{T / HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    {"3.1", "colon in the method", "GET: / HTTP/1.1\r\n" HOST "\r\n", 400, "http1.codec_error.invalid_method"},
    {"3.2", "NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400, "http1.invalid_url"},
    {"3.2", "non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2", "fragment", "GET /#x HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2", "DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2", "relative target", "GET a/b HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.2", "other scheme", "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.2", "no host", "GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.2", "userinfo", "GET http://u:p@h/ HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.3", "CONNECT without port", "CONNECT h HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.3", "CONNECT with a path", "CONNECT /x HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2.4", "asterisk for GET", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, "http1.invalid_url"},
    {"3.2", "no Host", "GET / HTTP/1.1\r\na: b\r\n\r\n", 400, "missing_host_header"},
    {"3.2", "no Host with an absolute target", "GET http://h/ HTTP/1.1\r\n\r\n", 400, "missing_host_header"},
    {"3.2", "two Hosts", "GET / HTTP/1.1\r\n" HOST "host: h\r\n\r\n", 400, "http1.codec_error.multiple_host"},
    {"3.2", "Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "http1.codec_error.invalid_host"},
    {"3.2", "Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "http1.codec_error.invalid_host"},
    {"3.2", "Host with userinfo", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, "http1.codec_error.invalid_host"},
    {"3.2", "Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "http1.codec_error.invalid_host"},
    // 5: fields.
    {"5", "no colon", "GET / HTTP/1.1\r\n" HOST "abc\r\n\r\n", 400, "http1.codec_error.missing_colon"},
    {"5", "empty name", "GET / HTTP/1.1\r\n" HOST ": abc\r\n\r\n", 400, "http1.codec_error.invalid_header_name"},
    {"5.1", "space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400,
     "http1.codec_error.space_before_colon"},
    {"5.1", "tab before the colon", "GET / HTTP/1.1\r\nHost\t: h\r\n\r\n", 400, "http1.codec_error.space_before_colon"},
    {"5.1", "space in a name", "GET / HTTP/1.1\r\n" HOST "a b: c\r\n\r\n", 400,
     "http1.codec_error.invalid_header_name"},
    {"5.1", "NUL in a name", "GET / HTTP/1.1\r\nHost: h\r\na\0b: c\r\n\r\n"sv, 400,
     "http1.codec_error.invalid_header_name"},
    {"5.1", "non-ASCII name", "GET / HTTP/1.1\r\n" HOST "\xc3\xa9: c\r\n\r\n", 400,
     "http1.codec_error.invalid_header_name"},
    {"5.1", "delimiter in a name", "GET / HTTP/1.1\r\n" HOST "a(b): c\r\n\r\n", 400,
     "http1.codec_error.invalid_header_name"},
    {"5.1", "vertical tab before the colon", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding\v: chunked\r\n\r\n", 400,
     "http1.codec_error.invalid_header_name"},
    {"5.2", "obs-fold", "GET / HTTP/1.1\r\n" HOST "a: b\r\n c\r\n\r\n", 400, "http1.codec_error.obs_fold"},
    {"5.2", "obs-fold of a length", POST "Content-Length: 1\r\n\t0\r\n\r\n", 400, "http1.codec_error.obs_fold"},
    {"5.2", "obs-fold with a colon", "GET / HTTP/1.1\r\n" HOST "a: b\r\n c: d\r\n\r\n", 400,
     "http1.codec_error.obs_fold"},
    {"5.5", "NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\na: \0\r\n\r\n"sv, 400,
     "http1.codec_error.invalid_header_value"},
    {"5.5", "control in a value", "GET / HTTP/1.1\r\n" HOST "a: \x01\r\n\r\n", 400,
     "http1.codec_error.invalid_header_value"},
    {"5.5", "DEL in a value", "GET / HTTP/1.1\r\n" HOST "a: \x7f\r\n\r\n", 400,
     "http1.codec_error.invalid_header_value"},
    // 6.1: Transfer-Encoding.
    {"6.1", "with Content-Length", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "http1.content_length_and_chunked_not_allowed"},
    {"6.1", "before Content-Length", POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400,
     "http1.content_length_and_chunked_not_allowed"},
    {"6.1", "unknown coding", POST "Transfer-Encoding: gzip\r\n\r\n", 501, "http1.codec_error.unknown_transfer_coding"},
    {"6.1", "unknown coding, then chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "http1.codec_error.unknown_transfer_coding"},
    {"6.1", "identity", POST "Transfer-Encoding: identity\r\n\r\n", 501, "http1.codec_error.unknown_transfer_coding"},
    {"6.1", "almost chunked", POST "Transfer-Encoding: xchunked\r\n\r\n", 501,
     "http1.codec_error.unknown_transfer_coding"},
    {"6.1", "chunked not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400,
     "http1.invalid_transfer_encoding"},
    {"6.1", "chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400,
     "http1.invalid_transfer_encoding"},
    {"6.1", "chunked in two fields", POST "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", 400,
     "http1.invalid_transfer_encoding"},
    {"6.1", "chunked, then identity in another field",
     POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "empty", POST "Transfer-Encoding:\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "empty element", POST "Transfer-Encoding: chunked,\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "empty element first", POST "Transfer-Encoding: , chunked\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n", 400, "http1.invalid_transfer_encoding"},
    {"6.1", "in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "http1.codec_error.transfer_encoding_in_http10"},
    // 6.2, 6.3: Content-Length.
    {"6.3", "differing", POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400,
     "http1.codec_error.multiple_content_length"},
    {"6.3", "twice the same", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400,
     "http1.codec_error.multiple_content_length"},
    {"6.3", "list", POST "Content-Length: 3, 3\r\n\r\nabc", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "empty", POST "Content-Length:\r\n\r\n", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "plus sign", POST "Content-Length: +3\r\n\r\nabc", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "negative", POST "Content-Length: -1\r\n\r\n", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "hexadecimal", POST "Content-Length: 0x3\r\n\r\nabc", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "space within", POST "Content-Length: 1 0\r\n\r\n", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "point", POST "Content-Length: 3.0\r\n\r\nabc", 400, "http1.codec_error.invalid_content_length"},
    {"6.2", "overflow", POST "Content-Length: 18446744073709551617\r\n\r\n", 400,
     "http1.codec_error.invalid_content_length"},
    {"6.2", "beyond 2^62", POST "Content-Length: 9223372036854775807\r\n\r\n", 400,
     "http1.codec_error.invalid_content_length"},
    // 7.1: chunked.
    {"7.1", "no size", CHUNKED "\r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "extension without size", CHUNKED ";a\r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "not a digit", CHUNKED "g\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "0x prefix", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "negative", CHUNKED "-1\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "underscore", CHUNKED "1_0\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "overflow", CHUNKED "10000000000000003\r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "endless zeros", CHUNKED "0000000000000000000000000003\r\nabc\r\n", 400,
     "http1.codec_error.invalid_chunk_size"},
    {"7.1", "space before", CHUNKED " 3\r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "space behind", CHUNKED "3 \r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "bare LF behind the size", CHUNKED "3\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1", "bare CR behind the size", CHUNKED "3\rabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1.1", "bare LF in an extension", CHUNKED "3;a\nabc\r\n", 400, "http1.codec_error.invalid_chunk_extension"},
    {"7.1.1", "bare CR in an extension", CHUNKED "3;a\rb\r\nabc\r\n", 400, "http1.codec_error.invalid_chunk_size"},
    {"7.1.1", "NUL in an extension",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;\0\r\nabc\r\n"sv, 400,
     "http1.codec_error.invalid_chunk_extension"},
    {"7.1", "content longer than its chunk", CHUNKED "3\r\nabcd\r\n", 400, "http1.codec_error.invalid_chunk_end"},
    {"7.1", "bare LF behind content", CHUNKED "3\r\nabc\n0\r\n\r\n", 400, "http1.codec_error.invalid_chunk_end"},
    {"7.1", "bare CR behind content", CHUNKED "3\r\nabc\r0\r\n\r\n", 400, "http1.codec_error.invalid_chunk_end"},
    {"7.1.2", "bare LF ends the trailers", CHUNKED "0\r\n\n", 400, "http1.codec_error.bare_lf"},
    {"7.1.2", "bare LF in trailers", CHUNKED "0\r\na: b\n\r\n", 400, "http1.codec_error.bare_lf"},
    {"7.1.2", "obs-fold in trailers", CHUNKED "0\r\na: b\r\n c\r\n\r\n", 400, "http1.codec_error.obs_fold"},
    {"7.1.2", "space before a trailer's colon", CHUNKED "0\r\na : b\r\n\r\n", 400,
     "http1.codec_error.space_before_colon"},
    // RFC 9110 7.6.1.
    {"9110 7.6.1", "Host nominated", "GET / HTTP/1.1\r\n" HOST "Connection: close, host\r\n\r\n", 400,
     "http1.connection_header_rejected"},
    {"9110 7.6.1", "X-Forwarded-For nominated", "GET / HTTP/1.1\r\n" HOST "Connection: X-Forwarded-For\r\n\r\n", 400,
     "http1.connection_header_rejected"},
    {"9110 7.6.1", "Content-Length nominated", POST "Connection: content-length\r\nContent-Length: 1\r\n\r\nx", 400,
     "http1.connection_header_rejected"},
    {"9110 7.6.1", "not a token nominated", "GET / HTTP/1.1\r\n" HOST "Connection: a b\r\n\r\n", 400,
     "http1.connection_header_rejected"},
    {"9110 7.6.1", "many nominated", "GET / HTTP/1.1\r\n" HOST "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n",
     400, "http1.connection_header_rejected"},
};

// A request hidden behind the malformed one must never be served.
constexpr std::string_view kHidden = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(SmugglingTest, EachIsRefusedAndTheConnectionClosed) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(StrCat("RFC 9112 ", c.section, ": ", c.name));
    ServerHarness server({.accept_http_10 = true, .enable_trailers = true});
    server.on_end = [](ServerHarness::Stream& stream) { stream.Answer(200, ""); };
    server.Feed(StrCat(c.bytes, kHidden));
    EXPECT_EQ(StrCat(server.last_error().status, " ", server.last_error().details), StrCat(c.status, " ", c.details));
    EXPECT_TRUE(server.closing);
    EXPECT_TRUE(server.dead);
    EXPECT_EQ(server.stream_count(), 1);
    EXPECT_EQ(server.log().find("\nend\n"), std::string::npos) << server.log();
    EXPECT_EQ(server.log().find("hidden"), std::string::npos) << server.log();
    const std::string output = server.TakeOutput();
    EXPECT_TRUE(output.starts_with(StrCat("HTTP/1.1 ", c.status, " "))) << output;
    EXPECT_NE(output.find("connection: close\r\n"), std::string::npos) << output;
  }
}

TEST(SmugglingTest, EachIsRefusedAlikeByteByByte) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(StrCat("RFC 9112 ", c.section, ": ", c.name));
    ServerHarness server({.accept_http_10 = true, .enable_trailers = true});
    for (char byte : StrCat(c.bytes, kHidden)) server.Feed(std::string_view(&byte, 1));
    EXPECT_EQ(StrCat(server.last_error().status, " ", server.last_error().details), StrCat(c.status, " ", c.details));
    EXPECT_EQ(server.stream_count(), 1);
  }
}

}  // namespace
}  // namespace nuncio::http::h1
