#include "source/access_log/operator_parameters.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "source/access_log/metadata_values.h"
#include "source/access_log/time_values.h"
#include "source/base/strings.h"

namespace nuncio::access_log {
namespace {

using Parameters = Operator::Parameters;

// "NAME?ALTERNATIVE".
bool SplitNames(std::string_view parameter, std::string_view* name, std::string_view* alternative, std::string* error) {
  const size_t question = parameter.find('?');
  *name = parameter.substr(0, question);
  *alternative = question == std::string_view::npos ? std::string_view() : parameter.substr(question + 1);
  if (name->empty() || (question != std::string_view::npos && alternative->empty())) {
    *error = "needs a header's name, or two as (FIRST?ALTERNATIVE)";
    return false;
  }
  if (alternative->find('?') != std::string_view::npos) {
    *error = "takes one alternative at most";
    return false;
  }
  return true;
}

bool ParseTime(std::string_view pattern, TimeFormat::Zone zone, Parameters& out, std::string* error) {
  TimeFormat format;
  if (!TimeFormat::Parse(pattern, zone, &format, error)) return false;
  out.time = std::move(format);
  return true;
}

// "NAMESPACE:KEY:KEY...".
bool ParseMetadataPath(std::string_view parameter, Parameters& out, std::string* error) {
  for (size_t at = 0, part = 0; at <= parameter.size(); ++part) {
    const size_t colon = std::min(parameter.find(':', at), parameter.size());
    const std::string_view text = parameter.substr(at, colon - at);
    if (text.empty()) {
      *error = "needs (NAMESPACE:KEY...) without empty parts";
      return false;
    }
    if (part == 0) {
      out.text = text;
    } else {
      out.path.emplace_back(text);
    }
    at = colon + 1;
  }
  return true;
}

}  // namespace

bool ParseRequestFields(std::string_view parameter, Parameters& out, std::string* error) {
  std::string_view name, alternative;
  if (!SplitNames(parameter, &name, &alternative, error)) return false;
  out.request.emplace(name);
  if (!alternative.empty()) out.request_alternative.emplace(alternative);
  return true;
}

bool ParseHeaders(std::string_view parameter, Parameters& out, std::string* error) {
  std::string_view name, alternative;
  if (!SplitNames(parameter, &name, &alternative, error)) return false;
  if (EqualsIgnoreCase(name, ":status")) out.choice = 1;
  out.header.emplace(name);
  if (!alternative.empty()) out.header_alternative.emplace(alternative);
  return true;
}

bool ParseUtcTime(std::string_view parameter, Parameters& out, std::string* error) {
  return ParseTime(parameter, TimeFormat::Zone::kUtc, out, error);
}
bool ParseLocalTime(std::string_view parameter, Parameters& out, std::string* error) {
  return ParseTime(parameter, TimeFormat::Zone::kLocal, out, error);
}

bool ParseMoments(std::string_view parameter, Parameters& out, std::string* error) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= parameter.size();) {
    const size_t colon = std::min(parameter.find(':', at), parameter.size());
    parts.push_back(parameter.substr(at, colon - at));
    at = colon + 1;
  }
  if (parts.size() != 3) {
    *error = "needs (FROM:TO:UNIT)";
    return false;
  }
  for (int i = 0; i < 2; ++i) {
    const auto it = std::find(std::begin(kMoments), std::end(kMoments), parts[i]);
    if (it == std::end(kMoments)) {
      *error = StrCat("unknown moment ", parts[i], "; known are DS_RX_BEG, DS_RX_END, US_TX_BEG, US_TX_END, US_RX_BEG, "
                      "US_RX_END, DS_TX_BEG and DS_TX_END");
      return false;
    }
    (i == 0 ? out.from : out.to) = static_cast<int>(it - std::begin(kMoments));
  }
  constexpr std::string_view kUnits[] = {"ms", "us", "ns"};
  const auto unit = std::find(std::begin(kUnits), std::end(kUnits), parts[2]);
  if (unit == std::end(kUnits)) {
    *error = StrCat("unknown unit ", parts[2], "; known are ms, us and ns");
    return false;
  }
  out.choice = static_cast<int>(unit - std::begin(kUnits));
  return true;
}

bool ParseEnvironment(std::string_view parameter, Parameters& out, std::string* error) {
  if (parameter.empty()) {
    *error = "needs a variable's name";
    return false;
  }
  const char* value = getenv(std::string(parameter).c_str());
  if (value != nullptr) out.text = value;
  return true;
}

bool ParseHostname(std::string_view, Parameters& out, std::string*) {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) == 0) out.text = name;
  return true;
}

bool ParseAllowWhitespaces(std::string_view parameter, Parameters& out, std::string* error) {
  if (parameter != "ALLOW_WHITESPACES") {
    *error = StrCat("unknown parameter ", parameter, "; known is ALLOW_WHITESPACES");
    return false;
  }
  out.choice = 1;
  return true;
}

bool ParseGrpcStatusFormat(std::string_view parameter, Parameters& out, std::string* error) {
  constexpr std::string_view kForms[] = {"CAMEL_STRING", "SNAKE_STRING", "NUMBER"};
  const auto form = std::find(std::begin(kForms), std::end(kForms), parameter);
  if (form == std::end(kForms)) {
    *error = StrCat("unknown parameter ", parameter, "; known are CAMEL_STRING, SNAKE_STRING and NUMBER");
    return false;
  }
  out.choice = static_cast<int>(form - std::begin(kForms));
  return true;
}

bool ParseMetadata(std::string_view parameter, Parameters& out, std::string* error) {
  const size_t colon = parameter.find(':');
  const std::string_view type = parameter.substr(0, colon);
  const auto* kind = std::find(std::begin(kMetadataKinds), std::end(kMetadataKinds), type);
  if (kind == std::end(kMetadataKinds)) {
    *error =
        StrCat("unknown kind of metadata ", type, "; known are ROUTE, CLUSTER, LISTENER and LISTENER_FILTER_CHAIN");
    return false;
  }
  out.choice = static_cast<int>(kind - std::begin(kMetadataKinds));
  return ParseMetadataPath(colon == std::string_view::npos ? "" : parameter.substr(colon + 1), out, error);
}

bool ParseClusterMetadata(std::string_view parameter, Parameters& out, std::string* error) {
  out.choice = kOfCluster;
  return ParseMetadataPath(parameter, out, error);
}

}  // namespace nuncio::access_log
