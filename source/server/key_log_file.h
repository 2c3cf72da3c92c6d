#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/access_log/log_writer.h"
#include "source/tls/context_config.h"

namespace nuncio::server {

// A key log in a file, written by the thread of the access logs.
class KeyLogFile final : public tls::KeyLogSink {
 public:
  // Null, with a line in the log: it cannot be opened. `writer` outlives it. Main.
  static std::shared_ptr<tls::KeyLogSink> Open(access_log::LogWriter& writer, const std::string& path);

  KeyLogFile(access_log::LogWriter& writer, access_log::LogFilePtr file);
  void Write(std::string_view line) override;

 private:
  access_log::LogWriter& writer_;
  const access_log::LogFilePtr file_;
  // Shared with other key logs, under a lock.
  access_log::FileStats& stats_;
};

}  // namespace nuncio::server
