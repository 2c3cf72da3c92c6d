#pragma once

#include <string>
#include <vector>

#include "test/http/h2/server_fixture.h"

// Conformance: what a client may send, well-formed or not, and what a section of RFC 9113 or RFC 7541 demands then.
// Names of cases end with those of h2spec (summerwind/h2spec) that ask for the same.
namespace nuncio::http::h2 {

enum class Outcome {
  kAlive,            // No error of any scope.
  kStreamError,      // RST_STREAM on `stream_id` with `code`; the connection lives.
  kConnectionError,  // GOAWAY with `code`; nothing is read any more.
};

struct Case {
  std::string name;
  std::string input;  // After preface, SETTINGS and the acknowledgement of the server's.
  Outcome outcome = Outcome::kAlive;
  uint32_t code = NGHTTP2_NO_ERROR;
  uint32_t stream_id = 1;
  // Requests that come before the input; they are answered, with a body.
  std::string answered = {};
};

inline Case Alive(std::string name, std::string input) { return {std::move(name), std::move(input)}; }
inline Case StreamError(std::string name, std::string input, uint32_t code, uint32_t stream_id = 1) {
  return {std::move(name), std::move(input), Outcome::kStreamError, code, stream_id};
}
inline Case ConnectionError(std::string name, std::string input, uint32_t code) {
  return {std::move(name), std::move(input), Outcome::kConnectionError, code};
}
inline Case After(std::string answered, Case one) {
  one.answered = std::move(answered);
  return one;
}

// The input is given in one piece and byte by byte.
class ConformanceTest : public ServerFixture, public testing::WithParamInterface<Case> {
 protected:
  void Run() {
    const Case& one = GetParam();
    for (const size_t step : {size_t{0}, size_t{1}}) {
      SCOPED_TRACE(step == 0 ? "whole" : "byte by byte");
      Start();
      ASSERT_TRUE(Feed(one.answered));
      for (size_t i = 0; i < request_count(); ++i) request(i).Answer(200, {{"server", "test"}}, "0123456789");
      Sent();
      const bool good = FeedInSteps(one.input, step);
      switch (one.outcome) {
        case Outcome::kAlive: {
          EXPECT_TRUE(good);
          const std::vector<ParsedFrame> frames = Sent();
          for (const ParsedFrame& frame : frames) {
            EXPECT_NE(frame.type, NGHTTP2_RST_STREAM) << "error " << frame.Number(0);
            EXPECT_NE(frame.type, NGHTTP2_GOAWAY) << "error " << frame.Number(4);
          }
          ExpectAlive();
          break;
        }
        case Outcome::kStreamError:
          EXPECT_TRUE(good);
          ExpectStreamError(one.stream_id, one.code);
          break;
        case Outcome::kConnectionError:
          EXPECT_FALSE(good);
          ExpectConnectionError(one.code);
          break;
      }
    }
  }
};

inline std::string CaseName(const testing::TestParamInfo<Case>& info) { return info.param.name; }

// Declares a suite of cases.
#define NUNCIO_CONFORMANCE(Suite, cases)               \
  class Suite : public ConformanceTest {};             \
  TEST_P(Suite, IsMet) { Run(); }                      \
  INSTANTIATE_TEST_SUITE_P(Rfc, Suite, testing::ValuesIn(cases), CaseName)

}  // namespace nuncio::http::h2
