#include "source/access_log/config.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "google/protobuf/struct.pb.h"
#include "source/base/strings.h"
#include "source/config/typed_config.h"
#include "source/matcher/config.h"

namespace nuncio::access_log {
namespace {

namespace pb = envoy::config::accesslog::v3;
using config::Faults;
using envoy::config::core::v3::SubstitutionFormatString;
using envoy::extensions::access_loggers::file::v3::FileAccessLog;
using envoy::extensions::access_loggers::stream::v3::StderrAccessLog;
using envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;

// Envoy's default line.
constexpr std::string_view kDefaultFormat =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" "
    "\"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";
// Longer formats are refused, in bytes.
constexpr size_t kMaxFormatSize = 64 * 1024;

struct Format {
  std::variant<TextTemplate, JsonTemplate> format;
  bool omit_empty = false;
};

std::optional<TextTemplate> CompileText(std::string_view text, Faults& faults) {
  if (text.size() > kMaxFormatSize) {
    faults.Add(StrCat("is longer than ", kMaxFormatSize, " bytes"));
    return std::nullopt;
  }
  return TextTemplate::Parse(text, faults);
}

std::string NumberText(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number);
  return std::string(text, end.ptr);
}

std::optional<JsonTemplate> CompileValue(const google::protobuf::Value& value, Faults& faults);

std::optional<JsonTemplate> CompileObject(const google::protobuf::Struct& object, Faults& faults) {
  JsonTemplate::Object members;
  bool good = true;
  for (const auto& [name, value] : object.fields()) {
    const Faults::Scope scope(faults, "fields", std::string_view(name));
    std::optional<JsonTemplate> compiled = CompileValue(value, faults);
    good = good && compiled.has_value();
    if (compiled.has_value()) members.emplace(name, *std::move(compiled));
  }
  if (!good) return std::nullopt;
  return JsonTemplate(members);
}

std::optional<JsonTemplate> CompileList(const google::protobuf::ListValue& list, Faults& faults) {
  JsonTemplate::List items;
  bool good = true;
  for (int i = 0; i < list.values_size(); ++i) {
    const Faults::Scope scope(faults, "values", static_cast<size_t>(i));
    std::optional<JsonTemplate> compiled = CompileValue(list.values(i), faults);
    good = good && compiled.has_value();
    if (compiled.has_value()) items.push_back(*std::move(compiled));
  }
  if (!good) return std::nullopt;
  return JsonTemplate(std::move(items));
}

std::optional<JsonTemplate> CompileValue(const google::protobuf::Value& value, Faults& faults) {
  if (faults.depth() > Faults::kMaxDepth) {
    faults.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
    return std::nullopt;
  }
  switch (value.kind_case()) {
    case google::protobuf::Value::kStringValue: {
      std::optional<TextTemplate> text = CompileText(value.string_value(), faults);
      if (!text.has_value()) return std::nullopt;
      return JsonTemplate(*std::move(text));
    }
    case google::protobuf::Value::kNumberValue:
      if (!std::isfinite(value.number_value())) {
        faults.Add("is no number that JSON can say");
        return std::nullopt;
      }
      return JsonTemplate(JsonTemplate::Literal{NumberText(value.number_value())});
    case google::protobuf::Value::kBoolValue:
      return JsonTemplate(JsonTemplate::Literal{value.bool_value() ? "true" : "false"});
    case google::protobuf::Value::kStructValue:
      return CompileObject(value.struct_value(), faults);
    case google::protobuf::Value::kListValue:
      return CompileList(value.list_value(), faults);
    case google::protobuf::Value::kNullValue:
    case google::protobuf::Value::KIND_NOT_SET:
      return JsonTemplate(JsonTemplate::Literal{"null"});
  }
  return std::nullopt;
}

std::optional<Format> DefaultFormat(Faults& faults) {
  std::optional<TextTemplate> text = TextTemplate::Parse(kDefaultFormat, faults);
  if (!text.has_value()) return std::nullopt;
  return Format{*std::move(text), false};
}

std::optional<Format> CompileJsonFormat(const google::protobuf::Struct& object, bool omit_empty, Faults& faults) {
  const Faults::Scope scope(faults, "json_format");
  std::optional<JsonTemplate> json = CompileObject(object, faults);
  if (!json.has_value()) return std::nullopt;
  return Format{*std::move(json), omit_empty};
}

std::optional<Format> CompileFormat(const SubstitutionFormatString& message, config::DataSourceAccess data_sources,
                                    Faults& faults) {
  if (message.format_case() == SubstitutionFormatString::kJsonFormat) {
    return CompileJsonFormat(message.json_format(), message.omit_empty_values(), faults);
  }
  std::optional<TextTemplate> text;
  if (message.format_case() == SubstitutionFormatString::kTextFormat) {
    const Faults::Scope scope(faults, "text_format");
    text = CompileText(message.text_format(), faults);
  } else if (message.format_case() == SubstitutionFormatString::kTextFormatSource) {
    const Faults::Scope scope(faults, "text_format_source");
    const auto source = config::ReadDataSource(message.text_format_source(), kMaxFormatSize, data_sources, faults);
    if (source.has_value()) text = TextTemplate::Parse(*source, faults);
  } else {
    faults.Add("needs one of text_format, text_format_source and json_format");
  }
  if (!text.has_value()) return std::nullopt;
  return Format{*std::move(text), message.omit_empty_values()};
}

LogComparison CompileComparison(const pb::ComparisonFilter& message) {
  LogComparison out;
  out.value = message.value().default_value();
  switch (message.op()) {
    case pb::ComparisonFilter::GE: out.op = LogComparison::Op::kGreaterOrEqual; break;
    case pb::ComparisonFilter::LE: out.op = LogComparison::Op::kLessOrEqual; break;
    case pb::ComparisonFilter::NE: out.op = LogComparison::Op::kNotEqual; break;
    default: out.op = LogComparison::Op::kEqual; break;
  }
  return out;
}

std::optional<LogFilter> CompileFilter(const pb::AccessLogFilter& message, Faults& faults);

template <typename Message>
std::vector<LogFilter> CompileParts(const Message& message, Faults& faults) {
  std::vector<LogFilter> parts;
  for (int i = 0; i < message.filters_size(); ++i) {
    const Faults::Scope scope(faults, "filters", static_cast<size_t>(i));
    if (auto part = CompileFilter(message.filters(i), faults)) parts.push_back(*std::move(part));
  }
  return parts;
}

LogFlagSet CompileFlags(const pb::ResponseFlagFilter& message) {
  LogFlagSet out;
  out.any = message.flags().empty();
  for (const std::string& name : message.flags()) {
    // Flags of features that this proxy does not have are never set.
    ResponseFlag flag;
    if (!FindResponseFlag(name, &flag)) continue;
    ResponseFlags bit;
    bit.Set(flag);
    out.bits |= bit.bits();
  }
  return out;
}

LogFilter::GrpcStatus CompileGrpcStatus(const pb::GrpcStatusFilter& message) {
  LogFilter::GrpcStatus out;
  for (const int status : message.statuses()) out.statuses |= uint32_t{1} << status;
  out.exclude = message.exclude();
  return out;
}

std::optional<LogFilter> CompileFilter(const pb::AccessLogFilter& message, Faults& faults) {
  if (faults.depth() > Faults::kMaxDepth) {
    faults.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
    return std::nullopt;
  }
  switch (message.filter_specifier_case()) {
    case pb::AccessLogFilter::kStatusCodeFilter:
      return LogFilter(LogFilter::Status{CompileComparison(message.status_code_filter().comparison())});
    case pb::AccessLogFilter::kDurationFilter:
      return LogFilter(LogFilter::DurationMillis{CompileComparison(message.duration_filter().comparison())});
    case pb::AccessLogFilter::kAndFilter: {
      const Faults::Scope scope(faults, "and_filter");
      return LogFilter(LogFilter::All{CompileParts(message.and_filter(), faults)});
    }
    case pb::AccessLogFilter::kOrFilter: {
      const Faults::Scope scope(faults, "or_filter");
      return LogFilter(LogFilter::OneOf{CompileParts(message.or_filter(), faults)});
    }
    case pb::AccessLogFilter::kHeaderFilter: {
      const Faults::Scope scope(faults, "header_filter");
      const Faults::Scope header(faults, "header");
      auto matcher = matcher::CompileHeaderMatcher(message.header_filter().header(), faults);
      if (!matcher.has_value()) return std::nullopt;
      return LogFilter(*std::move(matcher));
    }
    case pb::AccessLogFilter::kResponseFlagFilter:
      return LogFilter(CompileFlags(message.response_flag_filter()));
    case pb::AccessLogFilter::kGrpcStatusFilter:
      return LogFilter(CompileGrpcStatus(message.grpc_status_filter()));
    case pb::AccessLogFilter::FILTER_SPECIFIER_NOT_SET:
      break;
  }
  faults.Add("needs one of its filters");
  return std::nullopt;
}

// Path and format of one destination.
struct Destination {
  std::string path;
  std::optional<Format> format;
};

std::optional<Format> CompileFileFormat(const FileAccessLog& message, config::DataSourceAccess data_sources,
                                        Faults& faults) {
  switch (message.access_log_format_case()) {
    case FileAccessLog::kJsonFormat:
      return CompileJsonFormat(message.json_format(), false, faults);
    case FileAccessLog::kLogFormat: {
      const Faults::Scope scope(faults, "log_format");
      return CompileFormat(message.log_format(), data_sources, faults);
    }
    default:
      return DefaultFormat(faults);
  }
}

template <typename Stream>
Destination CompileStream(const google::protobuf::Any& any, std::string_view path,
                          config::DataSourceAccess data_sources, Faults& faults) {
  Stream message;
  Destination out{std::string(path), std::nullopt};
  if (!config::UnpackAndCheck(any, &message, faults)) return out;
  if (message.access_log_format_case() == Stream::kLogFormat) {
    const Faults::Scope scope(faults, "log_format");
    out.format = CompileFormat(message.log_format(), data_sources, faults);
  } else {
    out.format = DefaultFormat(faults);
  }
  return out;
}

Destination CompileDestination(const google::protobuf::Any& any, config::DataSourceAccess data_sources,
                               Faults& faults) {
  if (config::Holds<StdoutAccessLog>(any)) {
    return CompileStream<StdoutAccessLog>(any, kStdoutPath, data_sources, faults);
  }
  if (config::Holds<StderrAccessLog>(any)) {
    return CompileStream<StderrAccessLog>(any, kStderrPath, data_sources, faults);
  }
  if (!config::Holds<FileAccessLog>(any)) {
    faults.Add(StrCat("must hold a FileAccessLog, StdoutAccessLog or StderrAccessLog (holds ",
                      config::Quote(any.type_url()), ")"));
    return {};
  }
  FileAccessLog message;
  if (!config::UnpackAndCheck(any, &message, faults)) return {};
  Destination out{message.path(), CompileFileFormat(message, data_sources, faults)};
  if (out.path.find('\0') != std::string::npos) {
    faults.Add("path", "holds a NUL byte");
    out.format.reset();
  }
  return out;
}

}  // namespace

std::vector<std::shared_ptr<const AccessLogConfig>> CompileAccessLogs(
    const google::protobuf::RepeatedPtrField<pb::AccessLog>& messages, std::string_view field,
    config::DataSourceAccess data_sources, Faults& faults) {
  std::vector<std::shared_ptr<const AccessLogConfig>> out;
  for (int i = 0; i < messages.size(); ++i) {
    const Faults::Scope scope(faults, field, static_cast<size_t>(i));
    const size_t before = faults.count();
    std::optional<LogFilter> filter;
    if (messages[i].has_filter()) {
      const Faults::Scope filter_scope(faults, "filter");
      filter = CompileFilter(messages[i].filter(), faults);
    }
    if (!messages[i].has_typed_config()) {
      faults.Add("typed_config", "is missing: it says where entries go");
      continue;
    }
    const Faults::Scope config_scope(faults, "typed_config");
    Destination destination = CompileDestination(messages[i].typed_config(), data_sources, faults);
    if (faults.count() != before || !destination.format.has_value()) continue;
    out.push_back(std::make_shared<const AccessLogConfig>(std::move(destination.path), std::move(filter),
                                                          std::move(destination.format->format),
                                                          destination.format->omit_empty));
  }
  return out;
}

}  // namespace nuncio::access_log
