#include "source/http/date.h"

#include <chrono>
#include <cstring>

namespace nuncio::http {
namespace {

void TwoDigits(char* to, unsigned value) {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

void DateText::Format(int64_t second) {
  using namespace std::chrono;
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  second_ = second;
  const sys_seconds time{seconds(second)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<seconds> clock(time - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));

  memcpy(text_, "Sun, 00 Jan 0000 00:00:00 GMT", kSize);
  memcpy(text_, kDays + 3 * weekday(day).c_encoding(), 3);
  TwoDigits(text_ + 5, static_cast<unsigned>(date.day()));
  memcpy(text_ + 8, kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  TwoDigits(text_ + 12, year / 100 % 100);
  TwoDigits(text_ + 14, year % 100);
  TwoDigits(text_ + 17, static_cast<unsigned>(clock.hours().count()));
  TwoDigits(text_ + 20, static_cast<unsigned>(clock.minutes().count()));
  TwoDigits(text_ + 23, static_cast<unsigned>(clock.seconds().count()));
}

}  // namespace nuncio::http
