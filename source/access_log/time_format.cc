#include "source/access_log/time_format.h"

#include <time.h>

#include <array>
#include <atomic>
#include <chrono>

#include "source/base/strings.h"

namespace nuncio::access_log {
namespace {

constexpr std::string_view kStrftime = "aAbBcCdDeFgGhHIjklmMnNpPrRStTuUVwWxXyYzZ+";
constexpr std::string_view kDefault = "%Y-%m-%dT%H:%M:%S.%3fZ";
constexpr char kSeparator = '\0';

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendFraction(int64_t nanos, int digits, std::string& out) {
  char text[9];
  for (int i = 8; i >= 0; --i, nanos /= 10) text[i] = static_cast<char>('0' + nanos % 10);
  out.append(text, static_cast<size_t>(digits));
}

// The calendar pieces of a format for one second, each ended by kSeparator.
struct Cached {
  uint64_t id = 0;
  int64_t second = 0;
  std::string text;
};

// As gmtime_r does, which takes a lock of the C library that workers would go for all at once when a second begins.
tm UtcParts(int64_t second) {
  using std::chrono::days;
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  tm parts{};
  parts.tm_sec = static_cast<int>(clock.seconds().count());
  parts.tm_min = static_cast<int>(clock.minutes().count());
  parts.tm_hour = static_cast<int>(clock.hours().count());
  parts.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  parts.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  parts.tm_year = static_cast<int>(date.year()) - 1900;
  parts.tm_wday = static_cast<int>(std::chrono::weekday(day).c_encoding());
  parts.tm_yday = static_cast<int>((day - std::chrono::sys_days(date.year() / std::chrono::January / 1)).count());
  parts.tm_zone = "GMT";
  return parts;
}

}  // namespace

TimeFormat TimeFormat::Default(Zone zone) {
  TimeFormat format;
  std::string error;
  Parse(kDefault, zone, &format, &error);
  return format;
}

void TimeFormat::AddCalendar(std::string& calendar) {
  if (calendar.empty()) return;
  pieces_.push_back({Piece::Kind::kCalendar, 0, std::move(calendar)});
  calendar.clear();
}

bool TimeFormat::ParseConversion(std::string_view& rest, std::string& calendar, std::string* error) {
  if (rest.empty()) {
    *error = "ends with a lone %";
    return false;
  }
  const char c = rest[0];
  const char second = rest.size() > 1 ? rest[1] : '\0';
  const char third = rest.size() > 2 ? rest[2] : '\0';
  if (c == '%' || kStrftime.find(c) != std::string_view::npos) {
    StrAppend(calendar, '%', c);
    rest.remove_prefix(1);
    return true;
  }
  if (c == 'f' || (IsDigit(c) && c != '0' && second == 'f')) {
    AddCalendar(calendar);
    pieces_.push_back({Piece::Kind::kFraction, static_cast<uint8_t>(c == 'f' ? 9 : c - '0')});
    rest.remove_prefix(c == 'f' ? 1 : 2);
    return true;
  }
  if (c == 's' || ((c == '3' || c == '6' || c == '9') && second == 's')) {
    AddCalendar(calendar);
    pieces_.push_back({Piece::Kind::kEpoch, static_cast<uint8_t>(c == 's' ? 0 : c - '0')});
    rest.remove_prefix(c == 's' ? 1 : 2);
    return true;
  }
  if (c == 'E' && (IsDigit(second) || second == '*') && (third == 'S' || third == 'f')) {
    const int digits = second == '*' ? 9 : second - '0';
    if (third == 'S') calendar += digits > 0 ? "%S." : "%S";
    if (digits > 0) {
      AddCalendar(calendar);
      pieces_.push_back({Piece::Kind::kFraction, static_cast<uint8_t>(digits)});
    }
    rest.remove_prefix(3);
    return true;
  }
  if ((c == 'E' || c == 'O') && std::string_view("cCxXyYdeHImMSuUVwW").find(second) != std::string_view::npos &&
      second != '\0') {
    StrAppend(calendar, '%', c, second);
    rest.remove_prefix(2);
    return true;
  }
  *error = StrCat("unknown conversion %", c);
  return false;
}

bool TimeFormat::Parse(std::string_view pattern, Zone zone, TimeFormat* format, std::string* error) {
  if (pattern.empty()) pattern = kDefault;
  if (pattern.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
    *error = "holds a line break or NUL";
    return false;
  }
  TimeFormat out;
  out.zone_ = zone;
  out.id_ = NextId();
  std::string calendar;
  while (!pattern.empty()) {
    const char c = pattern[0];
    pattern.remove_prefix(1);
    if (c != '%') {
      calendar.push_back(c);
    } else if (!out.ParseConversion(pattern, calendar, error)) {
      return false;
    }
  }
  out.AddCalendar(calendar);
  *format = std::move(out);
  return true;
}

void TimeFormat::MakeCalendar(int64_t second, std::string& out) const {
  tm parts;
  if (zone_ == Zone::kUtc) {
    parts = UtcParts(second);
  } else {
    const time_t at = static_cast<time_t>(second);
    localtime_r(&at, &parts);
  }
  for (const Piece& piece : pieces_) {
    if (piece.kind != Piece::Kind::kCalendar) continue;
    // A conversion writes at most some hundred bytes (%c in a verbose locale); each takes two of the pattern.
    const size_t before = out.size();
    out.resize(before + piece.pattern.size() * 64 + 1);
    out.resize(before + strftime(out.data() + before, out.size() - before, piece.pattern.c_str(), &parts));
    out.push_back(kSeparator);
  }
}

void TimeFormat::Append(SystemTime time, std::string& out) const {
  const auto since = time.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const int64_t second = whole.count();
  const int64_t nanos = (since - whole).count();

  thread_local std::array<Cached, 8> cache;
  Cached& cached = cache[id_ % cache.size()];
  if (cached.id != id_ || cached.second != second) {
    cached.text.clear();
    MakeCalendar(second, cached.text);
    cached.id = id_;
    cached.second = second;
  }
  std::string_view calendar = cached.text;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::kCalendar: {
        const size_t end = calendar.find(kSeparator);
        out.append(calendar.data(), end);
        calendar.remove_prefix(end + 1);
        break;
      }
      case Piece::Kind::kFraction:
        AppendFraction(nanos, piece.digits, out);
        break;
      case Piece::Kind::kEpoch:
        StrAppend(out, second);
        AppendFraction(nanos, piece.digits, out);
        break;
    }
  }
}

}  // namespace nuncio::access_log
