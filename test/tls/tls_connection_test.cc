#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace nuncio::tls {
namespace {

class TlsConnectionTest : public TlsPairTest {};

TEST_F(TlsConnectionTest, BytesGoBothWays) {
  Open();
  ExpectConnected();
  Send(client_, "request");
  Send(server_, "answer");
  EXPECT_EQ(server_.received, "request");
  EXPECT_EQ(client_.received, "answer");
  EXPECT_EQ(server_.security().version(), "TLSv1.3");
  EXPECT_EQ(server_.security().sni(), "server.example");
  EXPECT_EQ(server_counters().handshake.value(), 1u);
  EXPECT_EQ(client_counters().handshake.value(), 1u);
}

}  // namespace
}  // namespace nuncio::tls
