#include "source/access_log/value_templates.h"

#include <string>
#include <utility>

#include "source/access_log/text_template.h"

namespace nuncio::access_log {
namespace {

class ValueTemplate final : public route::ValueFormatter {
 public:
  explicit ValueTemplate(TextTemplate text) : text_(std::move(text)) {}

  std::string_view Format(const route::FormatInput& input, Arena& arena) const override {
    thread_local std::string scratch;
    thread_local std::string value;
    value.clear();
    text_.Append(static_cast<const StreamFormatInput&>(input).info(), true, scratch, value);
    return arena.Copy(value);
  }

 private:
  const TextTemplate text_;
};

}  // namespace

std::unique_ptr<const route::ValueFormatter> ValueTemplates::Parse(std::string_view format,
                                                                   config::Faults& faults) const {
  std::optional<TextTemplate> text = TextTemplate::Parse(format, faults);
  if (!text.has_value()) return nullptr;
  return std::make_unique<ValueTemplate>(*std::move(text));
}

}  // namespace nuncio::access_log
