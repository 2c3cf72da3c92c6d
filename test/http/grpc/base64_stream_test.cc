#include "source/http/grpc/base64_stream.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::http::grpc {
namespace {

class Base64StreamTest : public testing::Test {
 protected:
  // In pieces of `step`.
  std::string Encode(std::string_view bytes, size_t step) {
    Base64Encoder encoder;
    buffer::Buffer out(slices_);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
      buffer::Buffer in(slices_);
      in.Append(bytes.substr(0, step));
      encoder.Encode(in, out);
    }
    encoder.Flush(out);
    return out.ToString();
  }
  // "?" where it is refused.
  std::string Decode(std::string_view text, size_t step = 1000) {
    Base64Decoder decoder;
    buffer::Buffer out(slices_);
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
      buffer::Buffer in(slices_);
      in.Append(text.substr(0, step));
      if (!decoder.Decode(in, out)) return "?";
    }
    return decoder.at_boundary() ? out.ToString() : "?";
  }

  buffer::SlicePool slices_;
};

// RFC 4648 10.
TEST_F(Base64StreamTest, TestVectors) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Encode(bytes, 100), text);
    EXPECT_EQ(Decode(text), bytes);
  }
}

TEST_F(Base64StreamTest, AllBytesInAllPieces) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(i * 7));
  const std::string text = Encode(bytes, bytes.size());
  for (const size_t step : {1, 2, 3, 4, 5, 7, 1535, 1536, 1537, 4999}) {
    EXPECT_EQ(Encode(bytes, step), text) << step;
    EXPECT_EQ(Decode(text, step), bytes) << step;
  }
}

TEST_F(Base64StreamTest, PaddingWithin) { EXPECT_EQ(Decode("Zg==Zm8=Zm9v"), "ffofoo"); }

TEST_F(Base64StreamTest, Refused) {
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "=m9v", "Z===", "Zg=v", "Zm9v\n", "Zm 9v", "Zm-_"}) {
    EXPECT_EQ(Decode(text), "?") << text;
    EXPECT_EQ(Decode(text, 1), "?") << text;
  }
}

}  // namespace
}  // namespace nuncio::http::grpc
