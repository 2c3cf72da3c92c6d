#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "source/base/strings.h"
#include "test/control/support/temporary_directory.h"

namespace nuncio::control::test {

inline std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Certificates made by the openssl program, each a NAME.pem with its NAME.key.
class Certificates {
 public:
  std::string Pem(const std::string& file) const { return directory_.File(file + ".pem"); }
  std::string Key(const std::string& file) const { return directory_.File(file + ".key"); }
  std::string File(const std::string& name) const { return directory_.File(name); }

  void MakeAuthority(const std::string& file) { Make(file, StrCat("the authority ", file), ""); }
  // For the DNS name `name`, signed by the authority whose files are `issuer`. `days`: valid for, from now on.
  void MakeLeaf(const std::string& file, const std::string& name, const std::string& issuer = "ca", int days = 2) {
    Make(file, name, StrCat(" -addext subjectAltName=DNS:", name, " -CA ", Pem(issuer), " -CAkey ", Key(issuer)), days);
  }
  // Puts the contents of `from` in place of those of `to`, at once.
  void Replace(const std::string& from, const std::string& to) {
    std::ofstream(to + ".new", std::ios::binary) << ReadFile(from);
    ASSERT_EQ(rename((to + ".new").c_str(), to.c_str()), 0);
  }

 private:
  void Make(const std::string& file, const std::string& name, const std::string& more, int days = 2) {
    const std::string log = directory_.File(file + ".log");
    const std::string command =
        StrCat("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days ", days, " -keyout ",
               Key(file), " -out ", Pem(file), " -subj '/CN=", name, "'", more, " >", log, " 2>&1");
    ASSERT_EQ(system(command.c_str()), 0) << ReadFile(log);
  }

  TemporaryDirectory directory_;
};

}  // namespace nuncio::control::test
