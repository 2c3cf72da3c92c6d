#include "source/config/value_rules.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/util/time_util.h"
#include "source/base/strings.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Show(const google::protobuf::Duration& value) { return google::protobuf::util::TimeUtil::ToString(value); }
std::string Show(const std::string& value) { return Quote(value); }
template <typename T>
requires std::is_arithmetic_v<T> std::string Show(T value) { return StrCat(value); }

// std::less would take google.protobuf.Duration for TimeUtil's operators, which refuse to compare denormal ones.
auto Order(const google::protobuf::Duration& value) { return std::tuple(value.seconds(), value.nanos()); }
template <typename T>
requires std::is_arithmetic_v<T> T Order(T value) { return value; }
const std::string& Order(const std::string& value) { return value; }

template <typename List>
std::string ShowAll(const List& list) {
  std::string out;
  for (const auto& item : list) StrAppend(out, out.empty() ? "" : ", ", Show(item));
  return out;
}

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::any_of(list.begin(), list.end(), [&](const auto& item) { return Order(item) == Order(value); });
}

// The rules that numbers, durations, strings and bytes share.
template <typename Rules, typename T>
void CheckMembership(const T& value, const Rules& rules, Faults& faults) {
  if (rules.in_size() > 0 && !Contains(rules.in(), value)) {
    faults.Add(StrCat("must be one of ", ShowAll(rules.in()), " (is ", Show(value), ")"));
  }
  if (rules.not_in_size() > 0 && Contains(rules.not_in(), value)) faults.Add(StrCat("must not be ", Show(value)));
}

// Numbers and durations. Comparisons are written so that a NaN fails them.
template <typename Rules, typename T>
void CheckOrdered(const T& value, const Rules& rules, Faults& faults) {
  const auto v = Order(value);
  if (rules.has_const_() && !(v == Order(rules.const_()))) {
    faults.Add(StrCat("must be ", Show(rules.const_()), " (is ", Show(value), ")"));
  }
  const bool above = rules.has_gt() ? v > Order(rules.gt()) : rules.has_gte() ? v >= Order(rules.gte()) : true;
  const bool below = rules.has_lt() ? v < Order(rules.lt()) : rules.has_lte() ? v <= Order(rules.lte()) : true;
  if (!above || !below) {
    const bool has_low = rules.has_gt() || rules.has_gte();
    const bool has_high = rules.has_lt() || rules.has_lte();
    const auto low = Order(rules.has_gt() ? rules.gt() : rules.gte());
    const auto high = Order(rules.has_lt() ? rules.lt() : rules.lte());
    const bool outside = has_low && has_high && low > high;
    if (!outside || (!above && !below)) {
      std::string want;
      if (has_low) {
        want = rules.has_gt() ? StrCat("greater than ", Show(rules.gt())) : StrCat("at least ", Show(rules.gte()));
      }
      if (has_low && has_high) want += outside ? " or " : " and ";
      if (has_high) {
        want += rules.has_lt() ? StrCat("less than ", Show(rules.lt())) : StrCat("at most ", Show(rules.lte()));
      }
      faults.Add(StrCat("must be ", want, " (is ", Show(value), ")"));
    }
  }
  CheckMembership(value, rules, faults);
}

template <typename Rules, typename T>
void CheckNumber(T value, const Rules& rules, Faults& faults) {
  if (rules.ignore_empty() && value == 0) return;
  CheckOrdered(value, rules, faults);
}

void CheckLength(uint64_t length, bool has_exact, uint64_t exact, bool has_min, uint64_t min, bool has_max,
                 uint64_t max, std::string_view unit, Faults& faults) {
  if (has_exact && length != exact) faults.Add(StrCat("must have ", exact, " ", unit, " (has ", length, ")"));
  if (has_min && length < min) {
    if (length == 0) {
      faults.Add(min == 1 ? std::string("must not be empty")
                          : StrCat("must have at least ", min, " ", unit, " (is empty)"));
    } else {
      faults.Add(StrCat("must have at least ", min, " ", unit, " (has ", length, ")"));
    }
  }
  if (has_max && length > max) faults.Add(StrCat("must have at most ", max, " ", unit, " (has ", length, ")"));
}

// What strings and bytes share.
template <typename Rules>
void CheckContent(const std::string& value, const Rules& rules, Faults& faults) {
  const std::string_view v = value;
  if (rules.has_const_() && v != rules.const_()) {
    faults.Add(StrCat("must be ", Quote(rules.const_()), " (is ", Quote(v), ")"));
  }
  if (rules.has_prefix() && !v.starts_with(rules.prefix())) {
    faults.Add(StrCat("must begin with ", Quote(rules.prefix()), " (is ", Quote(v), ")"));
  }
  if (rules.has_suffix() && !v.ends_with(rules.suffix())) {
    faults.Add(StrCat("must end with ", Quote(rules.suffix()), " (is ", Quote(v), ")"));
  }
  if (rules.has_contains() && v.find(rules.contains()) == std::string_view::npos) {
    faults.Add(StrCat("must contain ", Quote(rules.contains()), " (is ", Quote(v), ")"));
  }
  CheckMembership(value, rules, faults);
}

bool IsTokenCharacter(char c) {
  if ((c >= '0' && c <= '9') || (ToLower(c) >= 'a' && ToLower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

void CheckKnownRegex(std::string_view value, const validate::StringRules& rules, Faults& faults) {
  const bool name = rules.well_known_regex() == validate::HTTP_HEADER_NAME;
  if (!name && rules.well_known_regex() != validate::HTTP_HEADER_VALUE) return;
  const auto any = [&](auto bad) { return std::any_of(value.begin(), value.end(), bad); };
  if (!rules.strict()) {
    if (any([](char c) { return c == '\0' || c == '\n' || c == '\r'; })) {
      faults.Add(StrCat("must not contain NUL, CR or LF (is ", Quote(value), ")"));
    }
  } else if (name) {
    const std::string_view token = value.substr(value.starts_with(':') ? 1 : 0);
    if (token.empty() || std::any_of(token.begin(), token.end(), [](char c) { return !IsTokenCharacter(c); })) {
      faults.Add(StrCat("must be the name of a header (is ", Quote(value), ")"));
    }
  } else if (any([](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; })) {
    faults.Add(StrCat("must be the value of a header, without control characters (is ", Quote(value), ")"));
  }
}

uint64_t CountCodePoints(std::string_view text) {
  return static_cast<uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void CheckString(const std::string& value, const ValueRules& value_rules, Faults& faults) {
  const validate::StringRules& rules = value_rules.rules->string();
  if (rules.ignore_empty() && value.empty()) return;
  if (rules.has_len() || rules.has_min_len() || rules.has_max_len()) {
    CheckLength(CountCodePoints(value), rules.has_len(), rules.len(), rules.has_min_len(), rules.min_len(),
                rules.has_max_len(), rules.max_len(), "characters", faults);
  }
  CheckLength(value.size(), rules.has_len_bytes(), rules.len_bytes(), rules.has_min_bytes(), rules.min_bytes(),
              rules.has_max_bytes(), rules.max_bytes(), "bytes", faults);
  CheckContent(value, rules, faults);
  if (rules.has_not_contains() && value.find(rules.not_contains()) != std::string::npos) {
    faults.Add(StrCat("must not contain ", Quote(rules.not_contains()), " (is ", Quote(value), ")"));
  }
  if (value_rules.pattern != nullptr && !RE2::PartialMatch(value, *value_rules.pattern)) {
    faults.Add(StrCat("must match ", rules.pattern(), " (is ", Quote(value), ")"));
  }
  if (rules.has_well_known_regex()) CheckKnownRegex(value, rules, faults);
}

void CheckBytes(const std::string& value, const validate::BytesRules& rules, Faults& faults) {
  if (rules.ignore_empty() && value.empty()) return;
  CheckLength(value.size(), rules.has_len(), rules.len(), rules.has_min_len(), rules.min_len(), rules.has_max_len(),
              rules.max_len(), "bytes", faults);
  CheckContent(value, rules, faults);
}

void CheckEnum(int number, const FieldDescriptor& field, const validate::EnumRules& rules, Faults& faults) {
  const auto name_of = [&](int n) {
    const auto* value = field.enum_type()->FindValueByNumber(n);
    return value == nullptr ? StrCat(n) : value->name();
  };
  const auto names_of = [&](const auto& numbers) {
    std::string out;
    for (int n : numbers) StrAppend(out, out.empty() ? "" : ", ", name_of(n));
    return out;
  };
  const std::string is = StrCat(" (is ", name_of(number), ")");
  if (rules.has_const_() && number != rules.const_()) faults.Add(StrCat("must be ", name_of(rules.const_()), is));
  if (rules.defined_only() && field.enum_type()->FindValueByNumber(number) == nullptr) {
    faults.Add(StrCat("must be a value of ", field.enum_type()->full_name(), is));
  }
  if (rules.in_size() > 0 && std::find(rules.in().begin(), rules.in().end(), number) == rules.in().end()) {
    faults.Add(StrCat("must be one of ", names_of(rules.in()), is));
  }
  if (std::find(rules.not_in().begin(), rules.not_in().end(), number) != rules.not_in().end()) {
    faults.Add(StrCat("must not be ", name_of(number)));
  }
}

void CheckMessageValue(const Message& value, const ValueRules& rules, Faults& faults) {
  switch (value.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      if (rules.rules->has_duration()) {
        CheckOrdered(static_cast<const google::protobuf::Duration&>(value), rules.rules->duration(), faults);
      }
      return;
    case Descriptor::WELLKNOWNTYPE_ANY:
      if (rules.rules->has_any()) {
        CheckMembership(static_cast<const google::protobuf::Any&>(value).type_url(), rules.rules->any(), faults);
      }
      return;
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      CheckValue(value, *value.GetDescriptor()->field(0), -1, rules, faults);
      return;
    default:
      return;
  }
}

}  // namespace

void CheckValue(const Message& message, const FieldDescriptor& field, int index, const ValueRules& rules,
                Faults& faults) {
  const Reflection& r = *message.GetReflection();
  const FieldDescriptor* f = &field;
  const bool one = index < 0;
  const validate::FieldRules& of = *rules.rules;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return CheckNumber(one ? r.GetInt32(message, f) : r.GetRepeatedInt32(message, f, index), of.int32(), faults);
    case FieldDescriptor::CPPTYPE_INT64:
      return CheckNumber(one ? r.GetInt64(message, f) : r.GetRepeatedInt64(message, f, index), of.int64(), faults);
    case FieldDescriptor::CPPTYPE_UINT32:
      return CheckNumber(one ? r.GetUInt32(message, f) : r.GetRepeatedUInt32(message, f, index), of.uint32(), faults);
    case FieldDescriptor::CPPTYPE_UINT64:
      return CheckNumber(one ? r.GetUInt64(message, f) : r.GetRepeatedUInt64(message, f, index), of.uint64(), faults);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return CheckNumber(one ? r.GetDouble(message, f) : r.GetRepeatedDouble(message, f, index), of.double_(), faults);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return CheckNumber(one ? r.GetFloat(message, f) : r.GetRepeatedFloat(message, f, index), of.float_(), faults);
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = one ? r.GetBool(message, f) : r.GetRepeatedBool(message, f, index);
      if (of.bool_().has_const_() && value != of.bool_().const_()) {
        faults.Add(StrCat("must be ", of.bool_().const_(), " (is ", value, ")"));
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return CheckEnum(one ? r.GetEnumValue(message, f) : r.GetRepeatedEnumValue(message, f, index), field, of.enum_(),
                       faults);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& value =
          one ? r.GetStringReference(message, f, &scratch) : r.GetRepeatedStringReference(message, f, index, &scratch);
      if (field.type() == FieldDescriptor::TYPE_BYTES) return CheckBytes(value, of.bytes(), faults);
      return CheckString(value, rules, faults);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return CheckMessageValue(one ? r.GetMessage(message, f) : r.GetRepeatedMessage(message, f, index), rules, faults);
  }
}

}  // namespace nuncio::config
