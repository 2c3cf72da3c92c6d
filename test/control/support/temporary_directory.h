#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace nuncio::control::test {

// A directory of one test's own, which goes with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "/nuncio_control_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace nuncio::control::test
