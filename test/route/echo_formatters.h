#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/base/strings.h"
#include "source/http/message.h"
#include "source/route/config.h"
#include "source/route/value_formatter.h"

namespace nuncio::route {

// What the formatters of these tests look at.
class TestInput : public FormatInput {
 public:
  explicit TestInput(const http::RequestHead& request) : request_(&request) {}
  const http::RequestHead& request() const { return *request_; }

 private:
  const http::RequestHead* request_;
};

// Stands for the formatters of the floor above: `%NAME%` gives the request header of that name, `%%` a value
// with a line end in it.
class EchoFormatters : public FormatterFactory {
 public:
  std::unique_ptr<const ValueFormatter> Parse(std::string_view format, config::Faults& faults) const override {
    if (format.size() < 2 || !format.starts_with('%') || !format.ends_with('%')) {
      faults.Add("is no template");
      return nullptr;
    }
    return std::make_unique<Echo>(std::string(format.substr(1, format.size() - 2)));
  }

 private:
  class Echo : public ValueFormatter {
   public:
    explicit Echo(std::string name) : name_(std::move(name)) {}
    std::string_view Format(const FormatInput& input, Arena& arena) const override {
      if (name_.empty()) return "a\r\nb";
      const auto* field = static_cast<const TestInput&>(input).request().headers.Find(name_);
      return field == nullptr ? std::string_view() : arena.Copy(field->value);
    }

   private:
    std::string name_;
  };
};

}  // namespace nuncio::route
