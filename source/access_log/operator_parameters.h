#pragma once

#include <string>
#include <string_view>

#include "source/access_log/operator.h"

// Parsers of what stands between an operator's parentheses. False, with `error` set, where it is wrong.
namespace nuncio::access_log {

// "NAME" or "NAME?ALTERNATIVE" of a request, pseudo-headers among them; of headers otherwise.
bool ParseRequestFields(std::string_view parameter, Operator::Parameters& out, std::string* error);
bool ParseHeaders(std::string_view parameter, Operator::Parameters& out, std::string* error);
// A strftime pattern.
bool ParseUtcTime(std::string_view parameter, Operator::Parameters& out, std::string* error);
bool ParseLocalTime(std::string_view parameter, Operator::Parameters& out, std::string* error);
// "FROM:TO:UNIT".
bool ParseMoments(std::string_view parameter, Operator::Parameters& out, std::string* error);
// The value of a variable of the environment, and the host's name, as they are at this moment.
bool ParseEnvironment(std::string_view parameter, Operator::Parameters& out, std::string* error);
bool ParseHostname(std::string_view parameter, Operator::Parameters& out, std::string* error);
// One word each.
bool ParseAllowWhitespaces(std::string_view parameter, Operator::Parameters& out, std::string* error);
bool ParseGrpcStatusFormat(std::string_view parameter, Operator::Parameters& out, std::string* error);
// "KIND:NAMESPACE:KEY...", and without the kind.
bool ParseMetadata(std::string_view parameter, Operator::Parameters& out, std::string* error);
bool ParseClusterMetadata(std::string_view parameter, Operator::Parameters& out, std::string* error);

}  // namespace nuncio::access_log
