#include <optional>

#include "source/admin/endpoints.h"
#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

constexpr int kComponents = static_cast<int>(LogComponent::kCount);

std::optional<LogComponent> FindComponent(std::string_view name) {
  for (int i = 0; i < kComponents; ++i) {
    if (LogComponentName(static_cast<LogComponent>(i)) == name) return static_cast<LogComponent>(i);
  }
  return std::nullopt;
}

std::string Levels() {
  std::string out = "active loggers:\n";
  for (int i = 0; i < kComponents; ++i) {
    const auto component = static_cast<LogComponent>(i);
    StrAppend(out, "  ", LogComponentName(component), ": ", LogLevelName(Log::level(component)), "\n");
  }
  return out;
}

// Changes, applied only when all of the request is right.
class Changes {
 public:
  // False: `fault` says why.
  bool SetAll(std::string_view level, std::string& fault) { return Read(level, all_, fault); }
  bool Set(std::string_view name, std::string_view level, std::string& fault) {
    const auto component = FindComponent(name);
    if (!component.has_value()) {
      fault = StrCat("error: unknown logger name: ", name, "\n");
      return false;
    }
    return Read(level, each_[static_cast<int>(*component)], fault);
  }
  void Apply() const {
    if (all_.has_value()) Log::SetLevel(*all_);
    for (int i = 0; i < kComponents; ++i) {
      if (each_[i].has_value()) Log::SetLevel(static_cast<LogComponent>(i), *each_[i]);
    }
  }

 private:
  static bool Read(std::string_view text, std::optional<LogLevel>& out, std::string& fault) {
    auto level = ParseLogLevel(text);
    if (!level.ok()) {
      fault = StrCat("error: ", level.status().message(), "\n");
      return false;
    }
    out = *level;
    return true;
  }

  std::optional<LogLevel> all_;
  std::optional<LogLevel> each_[kComponents];
};

constexpr std::string_view kUsage =
    "usage: /logging?<logger>=<level> (change single level)\n"
    "usage: /logging?paths=<logger>:<level>,<logger>:<level> (change several levels)\n"
    "usage: /logging?level=<level> (change all levels)\n"
    "levels: trace debug info warning error critical off\n";

bool ReadPaths(std::string_view text, Changes& changes, std::string& fault) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view piece = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t colon = piece.rfind(':');
    if (colon == std::string_view::npos) {
      fault = StrCat("error: paths: expected <logger>:<level>, got \"", piece, "\"\n");
      return false;
    }
    if (!changes.Set(piece.substr(0, colon), piece.substr(colon + 1), fault)) return false;
  }
  return true;
}

}  // namespace

AdminAnswer AnswerLogging(AdminServices&, const AdminRequest& request) {
  if (request.parameters().empty()) return TextAnswer(200, Levels());
  if (request.method() != http::Method::kPost) {
    AdminAnswer answer =
        TextAnswer(405, "Method GET not allowed, POST required: changing levels changes the server's state.\n");
    answer.allow = "POST";
    return answer;
  }
  Changes changes;
  std::string fault;
  for (const auto& [name, value] : request.parameters()) {
    const bool good = name == "level"   ? changes.SetAll(value, fault)
                      : name == "paths" ? ReadPaths(value, changes, fault)
                                        : changes.Set(name, value, fault);
    if (!good) return TextAnswer(400, StrCat(fault, kUsage));
  }
  changes.Apply();
  return TextAnswer(200, Levels());
}

}  // namespace nuncio::admin
