#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace nuncio::ctl::test {

struct Finished {
  // Exit status; -1 where a signal ended it.
  int status = -1;
  std::string output;
  std::string errors;
};

// Runs a program to its end. `environment`: "NAME=VALUE", beside the test's own.
Finished RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment = {});

// A program in the background; killed at the latest when this goes.
class Background {
 public:
  explicit Background(const std::vector<std::string>& command);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Sends the signal and waits for the end; the exit status, or -1 where the signal ended it.
  int End(int signal);
  bool running();

 private:
  pid_t pid_;
};

}  // namespace nuncio::ctl::test
