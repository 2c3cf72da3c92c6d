// Any text, read as YAML and as JSON: it loads or is refused with a fault, and what loads can be printed and read back.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/config/fault.h"
#include "source/config/message_dump.h"
#include "source/config/rule_checker.h"
#include "source/config/yaml_loader.h"
#include "test/config/everything.pb.h"

namespace {

using nuncio::config::Faults;
using nuncio::config::LoadText;
using nuncio::config::MessageToJson;
using nuncio::config::MessageToYaml;
using nuncio::config::TextFormat;
using nuncio::test::config::Everything;

void Require(bool condition, const char* what, std::string_view text) {
  if (condition) return;
  fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  abort();
}

// What was printed loads, and prints the same again.
void CheckReadsBack(const std::string& printed, const std::string& json) {
  Everything again;
  Faults faults({nuncio::config::UnknownFieldsPolicy::Action::kReject, true});
  if (!LoadText(printed, TextFormat::kAuto, again, faults)) Require(false, faults.ToString().c_str(), printed);
  Require(MessageToJson(again) == json, "not the same message when read back", printed);
}

void Check(std::string_view text, TextFormat format) {
  Everything message;
  Faults faults({nuncio::config::UnknownFieldsPolicy::Action::kWarn, true});
  const bool loaded = LoadText(text, format, message, faults);
  Require(loaded == faults.empty(), "refused without a fault, or loaded with one", text);
  for (const auto& fault : faults.list()) {
    Require(fault.ToString().find('\n') == std::string::npos, "a fault of several lines", text);
  }
  Faults rules;
  CheckRules(message, rules, nuncio::config::AnyHandling::kEnterKnown);
  if (!loaded) return;
  const std::string json = MessageToJson(message);
  CheckReadsBack(json, json);
  CheckReadsBack(MessageToYaml(message), json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(text, TextFormat::kAuto);
  Check(text, TextFormat::kYaml);
  Check(text, TextFormat::kJson);
  return 0;
}
