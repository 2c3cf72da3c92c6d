#include "test/ctl/process.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace nuncio::ctl::test {
namespace {

[[noreturn]] void Execute(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
  execv(arguments[0], arguments.data());
  _exit(127);
}

int Wait(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Finished RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  int out[2];
  int err[2];
  if (pipe(out) != 0 || pipe(err) != 0) abort();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int fd : {out[0], out[1], err[0], err[1]}) close(fd);
    Execute(command, environment);
  }
  close(out[1]);
  close(err[1]);
  Finished finished;
  std::array<pollfd, 2> open = {pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  std::array<std::string*, 2> texts = {&finished.output, &finished.errors};
  for (int left = 2; left > 0;) {
    poll(open.data(), open.size(), -1);
    for (size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t count = read(open[i].fd, buffer, sizeof(buffer));
      if (count > 0) {
        texts[i]->append(buffer, static_cast<size_t>(count));
      } else {
        close(open[i].fd);
        open[i].fd = -1;
        --left;
      }
    }
  }
  finished.status = Wait(pid);
  return finished;
}

Background::Background(const std::vector<std::string>& command) : pid_(fork()) {
  if (pid_ == 0) Execute(command, {});
}

Background::~Background() {
  if (pid_ > 0) End(SIGKILL);
}

int Background::End(int signal) {
  kill(pid_, signal);
  const int status = Wait(pid_);
  pid_ = -1;
  return status;
}

bool Background::running() { return pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == 0; }

}  // namespace nuncio::ctl::test
