#include "source/filter/http_filter_chain.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "test/filter/fake_ends.h"

namespace nuncio::filter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using V = FilterVerdict;

// What a filter of these tests answers, in order; kContinue when nothing is left.
struct Script {
  std::string name;
  BodyWish request_body = BodyWish::kNone;
  BodyWish response_body = BodyWish::kNone;
  std::deque<V> request;
  std::deque<V> response;
  // In this call, "a:data": sends a local reply.
  std::string reply_at;
  // Put before trailers; and takes all trailers away.
  std::string before_trailers;
  bool drops_trailers = false;
  HttpFilterHandle* handle = nullptr;
};

class ScriptedFilter final : public HttpFilter {
 public:
  ScriptedFilter(HttpFilterHandle& handle, Script& script, std::vector<std::string>& log)
      : HttpFilter(handle), script_(script), log_(log) {
    script.handle = &handle;
    WantRequestBody(script.request_body);
    WantResponseBody(script.response_body);
  }
  ~ScriptedFilter() override { log_.push_back(script_.name + ":gone"); }

  V OnRequestHead(http::RequestHead&, bool end) override { return Next(script_.request, "head", end); }
  V OnRequestData(buffer::Buffer& data, bool end) override { return Next(script_.request, data.ToString(), end); }
  V OnRequestTrailers(http::HeaderMap& trailers, buffer::Buffer& data) override {
    return Trailers(script_.request, trailers, data);
  }
  void OnInformational(http::ResponseHead& head) override { Next(script_.response, StrCat(head.status), false); }
  V OnResponseHead(http::ResponseHead& head, bool end) override {
    return Next(script_.response, StrCat(head.status), end);
  }
  V OnResponseData(buffer::Buffer& data, bool end) override { return Next(script_.response, data.ToString(), end); }
  V OnResponseTrailers(http::HeaderMap& trailers, buffer::Buffer& data) override {
    return Trailers(script_.response, trailers, data);
  }
  void OnStreamEnd() override { log_.push_back(script_.name + ":end"); }

 private:
  V Trailers(std::deque<V>& verdicts, http::HeaderMap& trailers, buffer::Buffer& data) {
    data.Append(script_.before_trailers);
    if (script_.drops_trailers) trailers.Clear();
    return Next(verdicts, "trailers", true);
  }
  V Next(std::deque<V>& verdicts, std::string what, bool end) {
    log_.push_back(StrCat(script_.name, ":", what, end ? "." : ""));
    if (script_.reply_at == StrCat(script_.name, ":", what)) stream().SendLocalReply({.status = 403});
    if (verdicts.empty()) return V::kContinue;
    const V verdict = verdicts.front();
    verdicts.pop_front();
    return verdict;
  }

  Script& script_;
  std::vector<std::string>& log_;
};

class ScriptedFactory final : public HttpFilterFactory {
 public:
  ScriptedFactory(Script& script, std::vector<std::string>& log) : script_(script), log_(log) {}
  HttpFilter* Create(HttpFilterHandle& stream, Arena& arena) override {
    return NewInArena<ScriptedFilter>(arena, stream, script_, log_);
  }

 private:
  Script& script_;
  std::vector<std::string>& log_;
};

class HttpFilterChainTest : public testing::Test {
 protected:
  static constexpr uint32_t kLimit = 16;

  HttpFilterChainTest() { a_.name = "a", b_.name = "b", c_.name = "c"; }

  // With those of the three filters; to be called once.
  void Make(std::vector<Script*> scripts) {
    chain_ = std::make_unique<HttpFilterChain>(ends_, arena_, slices_, scripts.size(), kLimit);
    ends_.chain = chain_.get();
    for (Script* script : scripts) {
      factories_.push_back(std::make_unique<ScriptedFactory>(*script, log_));
      chain_->Add(*factories_.back(), nullptr);
    }
  }
  void RequestHead(bool end = false) { chain_->request().OnHead(request_, end); }
  void RequestData(std::string_view text, bool end = false) {
    buffer::Buffer data(slices_);
    data.Append(text);
    chain_->request().OnData(data, end);
  }
  void RequestTrailers() {
    trailers_.Add("x-sum", "1");
    chain_->request().OnTrailers(trailers_);
  }
  void ResponseHead(bool end = false) {
    response_.status = 200;
    chain_->response().OnHead(response_, end);
  }
  void ResponseData(std::string_view text, bool end = false) {
    buffer::Buffer data(slices_);
    data.Append(text);
    chain_->response().OnData(data, end);
  }
  void ResponseTrailers() {
    trailers_.Add("x-sum", "1");
    chain_->response().OnTrailers(trailers_);
  }
  // What was written down since the last call.
  std::vector<std::string> Log() { return std::exchange(log_, {}); }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  buffer::SlicePool slices_;
  std::vector<std::string> log_;
  FakeEnds ends_{log_};
  Script a_, b_, c_;
  std::vector<std::unique_ptr<ScriptedFactory>> factories_;
  http::RequestHead request_{arena_};
  http::ResponseHead response_{arena_};
  http::HeaderMap trailers_{arena_};
  std::unique_ptr<HttpFilterChain> chain_;
};

TEST_F(HttpFilterChainTest, TellsWhetherAnyFilterWantsTheBody) {
  b_.request_body = BodyWish::kSee;
  Make({&a_, &b_});
  EXPECT_TRUE(chain_->request().WantsBody());
  EXPECT_FALSE(chain_->response().WantsBody());
}

TEST_F(HttpFilterChainTest, RequestsGoForwardAndAnswersBackward) {
  a_.request_body = a_.response_body = b_.request_body = b_.response_body = BodyWish::kSee;
  Make({&a_, &b_});
  RequestHead();
  RequestData("one");
  RequestTrailers();
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "Q head", "a:one", "b:one", "Q one", "a:trailers.", "b:trailers.",
                                 "Q trailers."));
  http::ResponseHead early(arena_);
  early.status = 103;
  chain_->OnInformational(early);
  ResponseHead();
  ResponseData("two", true);
  EXPECT_THAT(Log(), ElementsAre("b:103", "a:103", "A 103", "b:200", "a:200", "A 200", "b:two.", "a:two.", "A two."));
  chain_->End();
  EXPECT_THAT(Log(), ElementsAre("a:end", "b:end"));
  chain_.reset();
  EXPECT_THAT(Log(), ElementsAre("b:gone", "a:gone"));
}

TEST_F(HttpFilterChainTest, AFilterWithoutAWishIsShownNoBody) {
  b_.request_body = BodyWish::kSee;
  Make({&a_, &b_});
  RequestHead();
  RequestData("one", true);
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "Q head", "b:one.", "Q one."));
}

TEST_F(HttpFilterChainTest, TheLengthGoesWhereABodyMayChange) {
  a_.request_body = BodyWish::kSee;
  a_.response_body = BodyWish::kChange;
  Make({&a_});
  request_.headers.Add("content-length", "3");
  response_.headers.Add("content-length", "3");
  RequestHead();
  EXPECT_TRUE(request_.headers.Has(http::HeaderId::kContentLength));
  ResponseHead();
  EXPECT_FALSE(response_.headers.Has(http::HeaderId::kContentLength));
}

TEST_F(HttpFilterChainTest, TheLengthStaysInAHeadWithoutBody) {
  a_.response_body = BodyWish::kChange;
  Make({&a_});
  response_.headers.Add("content-length", "3");
  ResponseHead(true);
  EXPECT_TRUE(response_.headers.Has(http::HeaderId::kContentLength));
}

TEST_F(HttpFilterChainTest, AStoppedHeadHoldsAllThatFollowsUntilItIsResumed) {
  b_.request_body = BodyWish::kSee;
  b_.request = {V::kStop};
  c_.request_body = BodyWish::kSee;
  Make({&a_, &b_, &c_});
  RequestHead();
  RequestData("one");
  RequestData("two");
  RequestTrailers();
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "a:trailers."));
  b_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("c:head", "Q head", "b:onetwo", "c:onetwo", "Q onetwo", "b:trailers.", "c:trailers.",
                                 "Q trailers."));
}

TEST_F(HttpFilterChainTest, AStoppedHeadThatIsTheWholeMessage) {
  a_.request = {V::kGather};
  Make({&a_, &b_});
  RequestHead(true);
  EXPECT_THAT(Log(), ElementsAre("a:head."));
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("b:head.", "Q head."));
  // Again without effect.
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), IsEmpty());
}

TEST_F(HttpFilterChainTest, DataAtWhichAFilterStoppedIsNotShownToItAgain) {
  b_.response_body = BodyWish::kSee;
  b_.response = {V::kContinue, V::kStop};
  a_.response_body = BodyWish::kSee;
  Make({&a_, &b_});
  ResponseHead();
  ResponseData("one");
  ResponseData("two", true);
  EXPECT_THAT(Log(), ElementsAre("b:200", "a:200", "A 200", "b:one"));
  b_.handle->ResumeResponse();
  EXPECT_THAT(Log(), ElementsAre("a:one", "A one", "b:two.", "a:two.", "A two."));
}

TEST_F(HttpFilterChainTest, TheEndAtWhichAFilterStoppedComesOnce) {
  b_.response_body = BodyWish::kSee;
  b_.response = {V::kContinue, V::kStop};
  Make({&a_, &b_});
  ResponseHead();
  ResponseData("", true);
  EXPECT_THAT(Log(), ElementsAre("b:200", "a:200", "A 200", "b:."));
  b_.handle->ResumeResponse();
  EXPECT_THAT(Log(), ElementsAre("A ."));
}

TEST_F(HttpFilterChainTest, AFilterThatGathersGetsHeadAndBodyTogether) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kGather, V::kGather, V::kGather};
  Make({&a_, &b_});
  RequestHead();
  RequestData("one");
  RequestData("two");
  EXPECT_THAT(Log(), ElementsAre("a:head", "a:one", "a:two"));
  RequestData("end", true);
  EXPECT_THAT(Log(), ElementsAre("a:end.", "b:head", "Q head", "Q onetwoend."));
}

TEST_F(HttpFilterChainTest, TrailersEndWhatWasGathered) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kGather, V::kGather};
  Make({&a_, &b_});
  RequestHead();
  RequestData("one");
  RequestTrailers();
  EXPECT_THAT(Log(),
              ElementsAre("a:head", "a:one", "a:trailers.", "b:head", "Q head", "Q one", "b:trailers.", "Q trailers."));
}

TEST_F(HttpFilterChainTest, GatheringToTheEndWaitsForResumption) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kGather, V::kGather};
  Make({&a_});
  RequestHead();
  RequestData("one", true);
  EXPECT_THAT(Log(), ElementsAre("a:head", "a:one."));
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("Q head", "Q one."));
}

TEST_F(HttpFilterChainTest, TwoFiltersMayStopAtOnce) {
  a_.request_body = b_.request_body = BodyWish::kSee;
  a_.request = {V::kContinue, V::kStop};
  b_.request = {V::kStop};
  Make({&a_, &b_});
  RequestHead();
  RequestData("one");
  RequestData("two", true);
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "a:one"));
  b_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("Q head"));
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("b:one", "Q one", "a:two.", "b:two.", "Q two."));
}

TEST_F(HttpFilterChainTest, AFilterMayStopAgainOnWhatItIsShownWhenItResumes) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kStop, V::kStop};
  Make({&a_});
  RequestHead();
  RequestData("one", true);
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("a:head", "Q head", "a:one."));
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("Q one."));
}

TEST_F(HttpFilterChainTest, TrailersMayBecomeData) {
  b_.before_trailers = "sum";
  b_.drops_trailers = true;
  a_.response_body = BodyWish::kSee;
  Make({&a_, &b_});
  ResponseHead();
  ResponseTrailers();
  EXPECT_THAT(Log(), ElementsAre("b:200", "a:200", "A 200", "b:trailers.", "a:sum.", "A sum."));
}

TEST_F(HttpFilterChainTest, DataMayComeBeforeTrailers) {
  b_.before_trailers = "sum";
  b_.response = {V::kContinue, V::kStop};
  Make({&a_, &b_});
  ResponseHead();
  ResponseTrailers();
  EXPECT_THAT(Log(), ElementsAre("b:200", "a:200", "A 200", "b:trailers."));
  b_.handle->ResumeResponse();
  EXPECT_THAT(Log(), ElementsAre("A sum", "a:trailers.", "A trailers."));
}

TEST_F(HttpFilterChainTest, NothingGoesOnAfterALocalReplyToTheHead) {
  b_.reply_at = "b:head";
  Make({&a_, &b_, &c_});
  RequestHead();
  RequestData("one");
  RequestTrailers();
  b_.handle->ResumeRequest();
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "reply 403"));
}

TEST_F(HttpFilterChainTest, NothingGoesOnAfterALocalReplyToData) {
  a_.request_body = BodyWish::kSee;
  a_.reply_at = "a:two";
  Make({&a_, &b_});
  RequestHead();
  RequestData("one");
  RequestData("two");
  RequestData("three", true);
  EXPECT_THAT(Log(), ElementsAre("a:head", "b:head", "Q head", "a:one", "Q one", "a:two", "reply 403"));
}

TEST_F(HttpFilterChainTest, NothingGoesOnAfterALocalReplyToAnAnswer) {
  b_.reply_at = "b:200";
  Make({&a_, &b_});
  RequestHead(true);
  ResponseHead();
  ResponseData("one", true);
  EXPECT_THAT(Log(), ElementsAre("a:head.", "b:head.", "Q head.", "b:200", "reply 403"));
}

TEST_F(HttpFilterChainTest, GatheringTooMuchEndsTheExchange) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kGather, V::kGather, V::kGather};
  Make({&a_});
  RequestHead();
  RequestData("0123456789");
  RequestData("0123456");
  RequestData("more");
  EXPECT_THAT(Log(), ElementsAre("a:head", "a:0123456789", "a:0123456", "Q too large"));
}

TEST_F(HttpFilterChainTest, AFilterSetsHowMuchMayBeGathered) {
  a_.request_body = BodyWish::kSee;
  a_.request = {V::kGather, V::kGather, V::kGather};
  Make({&a_});
  a_.handle->SetRequestBufferLimit(17);
  RequestHead();
  RequestData("0123456789");
  RequestData("0123456");
  EXPECT_THAT(Log(), ElementsAre("a:head", "a:0123456789", "a:0123456"));
}

TEST_F(HttpFilterChainTest, GatheringTooMuchOfAnAnswerEndsTheExchange) {
  a_.response_body = BodyWish::kSee;
  a_.response = {V::kGather, V::kGather};
  Make({&a_});
  ResponseHead();
  ResponseData("0123456789abcdefg");
  EXPECT_THAT(Log(), ElementsAre("a:200", "a:0123456789abcdefg", "A too large"));
}

TEST_F(HttpFilterChainTest, TooMuchThatWaitsStopsThePeer) {
  a_.response = {V::kStop};
  Make({&a_});
  ResponseHead();
  ResponseData("0123456789abcdef");
  EXPECT_THAT(Log(), ElementsAre("a:200"));
  ResponseData("g");
  EXPECT_THAT(Log(), ElementsAre("A pause"));
  a_.handle->ResumeResponse();
  EXPECT_THAT(Log(), ElementsAre("A 200", "A resume", "A 0123456789abcdefg"));
}

TEST_F(HttpFilterChainTest, AnEndedExchangeLetsGoOfWhatWaited) {
  a_.request = {V::kStop};
  Make({&a_});
  RequestHead();
  RequestData("0123456789abcdefg");
  EXPECT_THAT(Log(), ElementsAre("a:head", "Q pause"));
  chain_->End();
  EXPECT_THAT(Log(), ElementsAre("Q resume", "a:end"));
  a_.handle->ResumeRequest();
  EXPECT_THAT(Log(), IsEmpty());
}

route::PerFilterConfigs Says(std::string name, bool disabled, std::string_view type = {},
                             std::shared_ptr<const route::FilterSettings> settings = nullptr) {
  route::PerFilterConfigs configs;
  configs.push_back({std::move(name), type, disabled, std::move(settings)});
  return configs;
}

TEST(ChooseFilterTest, TheMostSpecificDecides) {
  const auto settings = std::make_shared<route::FilterSettings>();
  route::VirtualHost::Fields fields;
  fields.per_filter =
      std::make_unique<const route::PerFilterConfigs>(Says("cors", /*disabled=*/false, "x.Cors", settings));
  const route::VirtualHost host(std::move(fields));
  route::RouteEntry entry;
  route::Decision decision;
  const HttpFilterEntry filter{"cors", "x.Cors", /*disabled=*/true, nullptr};
  EXPECT_FALSE(ChooseFilter(filter, decision).enabled);
  decision.virtual_host = &host;
  EXPECT_TRUE(ChooseFilter(filter, decision).enabled);
  EXPECT_EQ(ChooseFilter(filter, decision).settings, settings.get());
  entry.per_filter = std::make_unique<const route::PerFilterConfigs>(Says("cors", /*disabled=*/true));
  decision.route = &entry;
  EXPECT_FALSE(ChooseFilter(filter, decision).enabled);
  route::WeightedCluster cluster;
  cluster.per_filter = std::make_unique<const route::PerFilterConfigs>(Says("cors", /*disabled=*/false));
  decision.weighted_cluster = &cluster;
  EXPECT_TRUE(ChooseFilter(filter, decision).enabled);
  EXPECT_EQ(ChooseFilter(filter, decision).settings, settings.get());
}

TEST(ChooseFilterTest, SettingsOfAnotherKindAreNotForIt) {
  route::RouteEntry entry;
  entry.per_filter = std::make_unique<const route::PerFilterConfigs>(
      Says("cors", false, "x.Other", std::make_shared<route::FilterSettings>()));
  route::Decision decision;
  decision.route = &entry;
  EXPECT_EQ(ChooseFilter({"cors", "x.Cors", false, nullptr}, decision).settings, nullptr);
}

}  // namespace
}  // namespace nuncio::filter
