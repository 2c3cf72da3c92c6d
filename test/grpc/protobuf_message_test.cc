#include "source/grpc/protobuf_message.h"

#include <string>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"

namespace nuncio::grpc {
namespace {

TEST(ProtobufMessage, ThroughABufferOfManySlices) {
  buffer::SlicePool slices;
  google::protobuf::Struct message;
  for (int i = 0; i < 2000; ++i) {
    (*message.mutable_fields())[std::to_string(i)].set_string_value(std::string(i % 97, 'x'));
  }
  buffer::Buffer whole(slices);
  ASSERT_TRUE(AppendProtobuf(message, whole));
  EXPECT_EQ(whole.length(), message.ByteSizeLong());
  // Runs of every small size, so that fields lie across them.
  const std::string bytes = whole.ToString();
  buffer::Buffer pieces(slices);
  for (size_t at = 0, size = 1; at < bytes.size(); at += size, size = size % 2000 + 600) {
    buffer::Buffer piece(slices);
    piece.Append(std::string_view(bytes).substr(at, size));
    pieces.MoveFrom(piece);
  }
  google::protobuf::Struct parsed;
  ASSERT_TRUE(ParseProtobuf(pieces, parsed));
  EXPECT_EQ(parsed.fields().size(), 2000);
  EXPECT_EQ(parsed.fields().at("96").string_value().size(), 96);
  EXPECT_EQ(parsed.SerializeAsString().size(), bytes.size());
}

TEST(ProtobufMessage, AnEmptyMessageIsNoBytes) {
  buffer::SlicePool slices;
  buffer::Buffer data(slices);
  ASSERT_TRUE(AppendProtobuf(google::protobuf::Any(), data));
  EXPECT_TRUE(data.empty());
  google::protobuf::Any any;
  any.set_type_url("x");
  EXPECT_TRUE(ParseProtobuf(data, any));
  EXPECT_EQ(any.type_url(), "");
}

TEST(ProtobufMessage, MalformedBytesAreRefused) {
  buffer::SlicePool slices;
  google::protobuf::Any any;
  for (const std::string& bytes : {std::string("\x0a\x7f"), std::string("\xff"), std::string("\x0a\x05""ab")}) {
    buffer::Buffer data(slices);
    data.Append(bytes);
    EXPECT_FALSE(ParseProtobuf(data, any));
  }
}

}  // namespace
}  // namespace nuncio::grpc
