#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "source/http/field_syntax.h"

namespace nuncio::http {

struct QueryParameter {
  std::string_view name;
  std::string_view value;  // Empty where there is no "=".
};

// The parameters of a path's query, in order, as they stand there: nothing is decoded. `for (QueryParameter p :
// QueryParameters(path))`. Empty pieces ("a&&b") are left out.
class QueryParameters {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = QueryParameter;
    using difference_type = std::ptrdiff_t;
    using pointer = const QueryParameter*;
    using reference = const QueryParameter&;

    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest), at_end_(false) { Next(); }
    const QueryParameter& operator*() const { return parameter_; }
    const QueryParameter* operator->() const { return &parameter_; }
    Iterator& operator++() {
      Next();
      return *this;
    }
    void operator++(int) { Next(); }
    // Compares only with end().
    bool operator==(const Iterator& other) const { return at_end_ == other.at_end_; }

   private:
    void Next() {
      std::string_view piece;
      while (piece.empty()) {
        if (rest_.empty()) {
          at_end_ = true;
          return;
        }
        const size_t ampersand = rest_.find('&');
        piece = rest_.substr(0, ampersand);
        rest_ = ampersand == std::string_view::npos ? std::string_view() : rest_.substr(ampersand + 1);
      }
      const size_t equals = piece.find('=');
      parameter_.name = piece.substr(0, equals);
      parameter_.value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    }

    std::string_view rest_;
    QueryParameter parameter_;
    bool at_end_ = true;
  };

  // `path` is a request's path; without "?" there are no parameters.
  explicit QueryParameters(std::string_view path) {
    const size_t mark = path.find('?');
    if (mark != std::string_view::npos) query_ = path.substr(mark + 1);
  }
  Iterator begin() const { return Iterator(query_); }
  Iterator end() const { return Iterator(); }

  // The first of that name, compared case-sensitively.
  std::optional<std::string_view> Find(std::string_view name) const {
    for (const QueryParameter& parameter : *this) {
      if (parameter.name == name) return parameter.value;
    }
    return std::nullopt;
  }

 private:
  std::string_view query_;
};

// "%41" becomes "A"; a "%" without two hexadecimal digits stays, as does "+".
inline std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2 && HexValue(text[i + 1]) >= 0 && HexValue(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace nuncio::http
