#include "source/xds/taken_answer.h"

#include "source/base/strings.h"

namespace nuncio::xds {
namespace {

void AddLines(const std::string& lines, std::string& to) {
  if (!to.empty()) to += '\n';
  to += lines;
}

}  // namespace

void TakenAnswer::Refuse(const std::string& name, const config::Faults& faults) {
  AddLines(faults.ToString(StrCat(ShortTypeName(type.type_url()), " ", config::Quote(name))), refused[name]);
}

void TakenAnswer::RefuseNameless(size_t index, const config::Faults& faults) {
  AddLines(faults.ToString(StrCat(ShortTypeName(type.type_url()), " resources[", index, "]")), nameless);
}

std::string TakenAnswer::Faults() const {
  std::string all = nameless;
  for (const auto& [name, lines] : refused) AddLines(lines, all);
  return all;
}

}  // namespace nuncio::xds
