#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/access_log/stream_info.h"
#include "source/access_log/time_format.h"
#include "source/http/header_id.h"
#include "source/matcher/request_field.h"

namespace nuncio::access_log {

// What an operator yields.
struct Value {
  enum class Kind : uint8_t {
    kNone,    // Absent: "-" in text, null in JSON.
    kText,
    kNumber,
    kJson,    // `text` is a JSON value: configured metadata that is no string.
  };
  Kind kind = Kind::kNone;
  // In the stream, the operator, or the scratch string it was evaluated with.
  std::string_view text{};
  int64_t number = 0;

  static Value Text(std::string_view text) { return {Kind::kText, text, 0}; }
  // Absent where empty.
  static Value TextOrNone(std::string_view text) { return text.empty() ? Value{} : Text(text); }
  static Value Number(int64_t number) { return {Kind::kNumber, {}, number}; }
};

// One operator of a format, such as %REQ(USER-AGENT):20%, with its parameters parsed. Immutable; any thread.
class Operator {
 public:
  // `parameter` is what stands between the parentheses; nullopt without parentheses. nullopt, with `error` set, where
  // there is no such operator or its parameter is wrong.
  static std::optional<Operator> Parse(std::string_view name, std::optional<std::string_view> parameter,
                                       std::optional<uint32_t> max_length, std::string* error);

  // `scratch` is cleared first; allocates nothing once it has its size.
  Value Evaluate(const StreamInfo& info, std::string& scratch) const {
    scratch.clear();
    Value value = function_(*this, info, scratch);
    if (value.text.size() > max_length_) value.text = value.text.substr(0, max_length_);
    return value;
  }

  // Parameters, for the functions behind the names.
  struct HeaderName {
    explicit HeaderName(std::string_view text) : id(http::FindHeaderId(text)), name(text) {}
    http::HeaderId id;
    std::string name;
  };
  struct Parameters {
    std::optional<matcher::RequestField> request;
    std::optional<matcher::RequestField> request_alternative;
    std::optional<HeaderName> header;
    std::optional<HeaderName> header_alternative;
    std::optional<TimeFormat> time;
    // A fixed text: host name, environment variable; or the metadata's namespace.
    std::string text;
    std::vector<std::string> path;
    // Choices by number: what they mean is the function's business.
    int choice = 0;
    int from = 0;
    int to = 0;
  };
  const Parameters& parameters() const { return parameters_; }

 private:
  using Function = Value (*)(const Operator&, const StreamInfo&, std::string& scratch);
  Operator() = default;

  Function function_ = nullptr;
  uint32_t max_length_ = UINT32_MAX;
  Parameters parameters_;
};

}  // namespace nuncio::access_log
