// nuncioctl: see HelpText in options.cc and docs/control_plane.md.
#include <cstdio>
#include <string>
#include <vector>

#include "source/base/strings.h"
#include "source/ctl/commands.h"
#include "source/ctl/options.h"

int main(int argc, char** argv) {
  const absl::StatusOr<nuncio::ctl::Options> options =
      nuncio::ctl::Options::Parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) {
    fprintf(stderr, "nuncioctl: %s\n", std::string(nuncio::ToStd(options.status().message())).c_str());
    return nuncio::ctl::kExitUsage;
  }
  return nuncio::ctl::Run(*options);
}
