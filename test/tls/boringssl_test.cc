#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "gtest/gtest.h"

namespace nuncio::tls {
namespace {

// With a wrong link the same names bind to Debian's OpenSSL, whose structures are others.
TEST(BoringSslTest, IsWhatIsLinked) {
  EXPECT_EQ(std::string_view(OpenSSL_version(OPENSSL_VERSION)), "BoringSSL");
  EXPECT_EQ(std::string_view(SSLeay_version(SSLEAY_VERSION)), "BoringSSL");
}

TEST(BoringSslTest, IsBuiltWithItsAssembly) {
#if defined(OPENSSL_NO_ASM) || defined(OPENSSL_SMALL)
  FAIL();
#endif
  EXPECT_TRUE(CRYPTO_has_asm());
}

TEST(BoringSslTest, MakesContexts) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_with_buffers_method()));
  ASSERT_NE(context, nullptr);
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  EXPECT_NE(ssl, nullptr);
}

}  // namespace
}  // namespace nuncio::tls
