#include "source/tls/client_hello.h"

#include <openssl/ssl.h>

#include <string>

#include "gtest/gtest.h"

namespace nuncio::tls {
namespace {

std::string Number(size_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string Vector(int length_bytes, const std::string& body) { return Number(body.size(), length_bytes) + body; }

std::string Words(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += Number(static_cast<size_t>(value), 2);
  return out;
}

std::string Extension(int type, const std::string& body) {
  return Number(static_cast<size_t>(type), 2) + Vector(2, body);
}
std::string ServerName(const std::string& name) {
  return Extension(0, Vector(2, std::string(1, '\0') + Vector(2, name)));
}
std::string Alpn(std::initializer_list<std::string> names) {
  std::string list;
  for (const std::string& name : names) list += Vector(1, name);
  return Extension(16, Vector(2, list));
}

// The message without its header.
std::string Body(int version, const std::string& ciphers, const std::string& extensions) {
  return Number(static_cast<size_t>(version), 2) + std::string(32, 'r') + Vector(1, "") + Vector(2, ciphers) +
         Vector(1, std::string(1, '\0')) + Vector(2, extensions);
}
std::string Message(const std::string& body) { return "\x01" + Vector(3, body); }
std::string Record(const std::string& payload) { return "\x16\x03\x01" + Vector(2, payload); }

HelloState Parse(std::string_view bytes, ClientHello* out) { return ParseClientHello(bytes, kMaxClientHello, out); }

TEST(ClientHelloTest, TellsNamesProtocolsAndVersions) {
  const std::string extensions =
      ServerName("WWW.Example.com") + Alpn({"h2", "http/1.1"}) +
      Extension(43, Vector(1, Words({0x2a2a, 0x0304, 0x0303}))) + Extension(10, Vector(2, Words({29, 23}))) +
      Extension(11, Vector(1, std::string(1, '\0'))) + Extension(13, Vector(2, Words({0x0403, 0x0804})));
  ClientHello hello;
  ASSERT_EQ(Parse(Record(Message(Body(0x0303, Words({0x1301, 0xc02b}), extensions))), &hello), HelloState::kComplete);
  EXPECT_EQ(hello.sni, "www.example.com");
  EXPECT_EQ(hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(hello.legacy_version, 0x0303);
  EXPECT_EQ(hello.max_version(), 0x0304);
  EXPECT_EQ(hello.cipher_suites, (std::vector<uint16_t>{0x1301, 0xc02b}));
  EXPECT_EQ(hello.groups, (std::vector<uint16_t>{29, 23}));
  EXPECT_EQ(hello.signature_algorithms, (std::vector<uint16_t>{0x0403, 0x0804}));
}

TEST(ClientHelloTest, WithoutExtensionsThereIsNothingToTell) {
  std::string body = Body(0x0301, Words({47}), "");
  body.resize(body.size() - 2);  // As SSL 3.0 clients do: not even the length.
  ClientHello hello;
  ASSERT_EQ(Parse(Record(Message(body)), &hello), HelloState::kComplete);
  EXPECT_EQ(hello.sni, "");
  EXPECT_EQ(hello.max_version(), 0x0301);
}

TEST(ClientHelloTest, FragmentsAreJoinedWhereverTheyAreCut) {
  const std::string message = Message(Body(0x0303, Words({0x1301}), ServerName("a.example")));
  for (size_t size = 1; size <= message.size(); ++size) {
    std::string bytes;
    for (size_t at = 0; at < message.size(); at += size) bytes += Record(message.substr(at, size));
    for (size_t n = 0; n < bytes.size(); ++n) {
      ClientHello hello;
      ASSERT_EQ(Parse(std::string_view(bytes).substr(0, n), &hello), HelloState::kIncomplete) << size << " " << n;
    }
    ClientHello hello;
    ASSERT_EQ(Parse(bytes, &hello), HelloState::kComplete) << size;
    EXPECT_EQ(hello.sni, "a.example");
  }
}

TEST(ClientHelloTest, OtherProtocolsAreKnownByTheirFirstBytes) {
  ClientHello hello;
  EXPECT_EQ(Parse("G", &hello), HelloState::kNotTls);
  EXPECT_EQ(Parse("PRI * HTTP/2.0\r\n", &hello), HelloState::kNotTls);
  EXPECT_EQ(Parse(std::string("\x16\x02", 2), &hello), HelloState::kNotTls);
  EXPECT_EQ(Parse("", &hello), HelloState::kIncomplete);
  EXPECT_EQ(Parse("\x16\x03", &hello), HelloState::kIncomplete);
}

TEST(ClientHelloTest, WhatIsNoHelloIsRefused) {
  const std::string good = Body(0x0303, Words({0x1301}), ServerName("a.example"));
  ClientHello hello;
  const auto refused = [&](const std::string& body) {
    return Parse(Record(Message(body)), &hello) == HelloState::kMalformed;
  };
  EXPECT_TRUE(refused(good + "x"));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 1)));
  EXPECT_TRUE(refused(Body(0x0303, "odd", "")));
  EXPECT_TRUE(refused(Body(0x0303, Words({1}), ServerName("a.example") + ServerName("b.example"))));
  EXPECT_TRUE(refused(Body(0x0303, Words({1}), ServerName(std::string("a\0b", 3)))));
  EXPECT_TRUE(refused(Body(0x0303, Words({1}), ServerName(""))));
  EXPECT_TRUE(refused(Body(0x0303, Words({1}), Extension(16, Vector(2, Vector(1, ""))))));
  EXPECT_TRUE(refused(Body(0x0303, Words({1}), Extension(10, Vector(2, "odd")))));
  // Another message, an empty record, and another kind of record half-way.
  EXPECT_EQ(Parse(Record("\x02" + Vector(3, good)), &hello), HelloState::kMalformed);
  EXPECT_EQ(Parse(Record(""), &hello), HelloState::kMalformed);
  EXPECT_EQ(Parse(Record(Message(good).substr(0, 9)) + "\x15\x03\x01", &hello), HelloState::kMalformed);
}

TEST(ClientHelloTest, SizeIsBounded) {
  const std::string padded = Message(Body(0x0303, Words({0x1301}), Extension(21, std::string(5000, 'p'))));
  ClientHello hello;
  EXPECT_EQ(ParseClientHello(Record(padded), 4096, &hello), HelloState::kTooLarge);
  // Told by the announced length alone.
  EXPECT_EQ(ParseClientHello(Record(padded).substr(0, 9), 4096, &hello), HelloState::kTooLarge);
  // And by the bytes that records of one byte waste.
  std::string crumbs;
  const std::string small = Message(Body(0x0303, Words({0x1301}), Extension(21, std::string(1000, 'p'))));
  for (const char c : small) crumbs += Record(std::string(1, c));
  EXPECT_EQ(ParseClientHello(crumbs, 4096, &hello), HelloState::kTooLarge);
}

// The example of https://github.com/salesforce/ja3.
TEST(ClientHelloTest, Ja3) {
  ClientHello hello;
  hello.legacy_version = 769;
  hello.cipher_suites = {0x5a5a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
  hello.extensions = {0x1a1a, 0, 10, 11};
  hello.groups = {0xfafa, 23, 24, 25};
  hello.point_formats = {0};
  EXPECT_EQ(hello.Ja3Text(), "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
  EXPECT_EQ(hello.Ja3(), "ada70206e40642a3e4461f35503241d5");
}

TEST(ClientHelloTest, Ja3WithoutExtensions) {
  ClientHello hello;
  hello.legacy_version = 769;
  hello.cipher_suites = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99};
  EXPECT_EQ(hello.Ja3Text(), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
  EXPECT_EQ(hello.Ja3(), "de350869b8c85de67a350c8d186f11e6");
}

// The example of https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md.
TEST(ClientHelloTest, Ja4) {
  ClientHello hello;
  hello.legacy_version = 0x0303;
  hello.supported_versions = {0x2a2a, 0x0304, 0x0303};
  hello.has_sni = true;
  hello.sni = "example.com";
  hello.alpn = {"h2", "http/1.1"};
  hello.cipher_suites = {0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
                         0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  hello.extensions = {0x3a3a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                      0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
  hello.signature_algorithms = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601};
  EXPECT_EQ(hello.Ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(ClientHelloTest, Ja4OfAlmostNothing) {
  ClientHello hello;
  hello.legacy_version = 0x0301;
  EXPECT_EQ(hello.Ja4(), "t10i000000_000000000000_000000000000");
  hello.alpn = {std::string("\xab\xcd", 2)};
  EXPECT_EQ(hello.Ja4().substr(8, 2), "ad");
}

TEST(ClientHelloTest, WhatBoringSslSendsIsUnderstood) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_with_buffers_method()));
  SSL_CTX_set_grease_enabled(context.get(), 1);
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  SSL_set_tlsext_host_name(ssl.get(), "host.example");
  const uint8_t protocols[] = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), protocols, 3);
  SSL_set_connect_state(ssl.get());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_do_handshake(ssl.get());
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  ASSERT_TRUE(BIO_mem_contents(out, &bytes, &size));
  ClientHello hello;
  ASSERT_EQ(Parse(std::string_view(reinterpret_cast<const char*>(bytes), size), &hello), HelloState::kComplete);
  EXPECT_EQ(hello.sni, "host.example");
  EXPECT_EQ(hello.alpn, std::vector<std::string>{"h2"});
  EXPECT_EQ(hello.max_version(), 0x0304);
}

}  // namespace
}  // namespace nuncio::tls
