#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/access_log/operator.h"
#include "source/config/fault.h"

namespace nuncio::access_log {

// Text with operators in it: "%RESPONSE_CODE% %REQ(:PATH)%\n"; "%%" is a percent sign. Immutable; any thread.
class TextTemplate {
 public:
  // nullopt, with a fault at the current path, where an operator is not known or not well written.
  static std::optional<TextTemplate> Parse(std::string_view text, config::Faults& faults);

  // Absent values are "-", or nothing with `omit_empty`. `scratch` is the caller's, kept to be used again.
  void Append(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const;
  // The same as JSON: one operator alone keeps its type, and `null` where absent; anything else is a string.
  void AppendJson(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const;
  // Whether it is one operator alone, without a value for `info`.
  bool AbsentIn(const StreamInfo& info, std::string& scratch) const;

 private:
  struct Piece {
    std::string literal;
    std::optional<Operator> op;
  };
  // Parses the operator at the start of `rest` (after the percent sign) and cuts it off.
  bool ParseOperator(std::string_view& rest, std::string* error);
  bool single_operator() const { return pieces_.size() == 1 && pieces_[0].op.has_value(); }

  std::vector<Piece> pieces_;
};

}  // namespace nuncio::access_log
