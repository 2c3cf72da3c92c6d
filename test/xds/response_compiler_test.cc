#include "source/xds/response_compiler.h"

#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

// Stands for resources that name files.
class FileType : public WordType {
 public:
  using WordType::WordType;
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override {
    auto word = WordType::Compile(bytes, name, faults);
    if (there) return word;
    faults.Add("filename", "is not there");
    return nullptr;
  }
  bool there = true;
};

class ResponseCompilerTest : public testing::Test {
 protected:
  // An answer with one word, kept.
  std::shared_ptr<CompiledResponse> Answer(const std::string& word) {
    google::protobuf::StringValue text;
    text.set_value(word);
    DiscoveryResponse message;
    message.set_type_url(std::string(type_.type_url()));
    auto* any = message.add_resources();
    any->set_type_url(std::string(type_.type_url()));
    any->set_value(text.SerializeAsString());
    auto response = std::make_shared<CompiledResponse>(compiler_.CompileMessage(message.SerializeAsString(), {&type_}));
    compiler_.Keep(response);
    return response;
  }

  FileType type_{"type.googleapis.com/Word", true};
  ResponseCompiler compiler_{config::UnknownFieldsPolicy{}};
};

TEST_F(ResponseCompilerTest, AnAnswerIsKeptUntilTheNext) {
  std::weak_ptr<CompiledResponse> first = Answer("a=1");
  EXPECT_FALSE(first.expired());
  std::weak_ptr<const CompiledItem> item = first.lock()->items.at(0);
  std::weak_ptr<CompiledResponse> second = Answer("a=2");
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(item.expired());
  EXPECT_FALSE(second.expired());
}

TEST_F(ResponseCompilerTest, AnAnswerThatCameTooLateIsNotKept) {
  std::shared_ptr<CompiledResponse> first = Answer("a=1");
  std::weak_ptr<CompiledResponse> late = first;
  Answer("a=2");
  compiler_.Keep(std::move(first));
  EXPECT_TRUE(late.expired());
}

TEST_F(ResponseCompilerTest, WhatWasRefusedIsCompiledAgainAndWhatIsGoodIsNot) {
  type_.there = false;
  const auto refused = Answer("a=1");
  EXPECT_EQ(refused->items.at(0)->compiled, nullptr);
  EXPECT_EQ(refused->items.at(0)->faults->ToString(), "filename: is not there");
  type_.there = true;
  const auto good = Answer("a=1");
  EXPECT_NE(good->items.at(0)->compiled, nullptr);
  EXPECT_EQ(good->difference->changed.size(), 1u);
  const auto again = Answer("a=1");
  EXPECT_EQ(again->items.at(0), good->items.at(0));
  EXPECT_EQ(type_.compiled, 2);
}

TEST_F(ResponseCompilerTest, OfTypesThatNobodyAskedForNothingIsKept) {
  DiscoveryResponse message;
  message.set_type_url("type.googleapis.com/Other");
  auto response = std::make_shared<CompiledResponse>(compiler_.CompileMessage(message.SerializeAsString(), {&type_}));
  std::weak_ptr<CompiledResponse> weak = response;
  compiler_.Keep(std::move(response));
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace nuncio::xds
