#include "source/config/yaml_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "source/base/strings.h"
#include "source/config/message_builder.h"
#include "source/config/text_document.h"
#include "source/config/unknown_fields.h"

namespace nuncio::config {
namespace {

// Whether a text that may be either begins as JSON does.
bool BeginsAsJson(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

bool Parse(std::string_view text, TextFormat format, std::unique_ptr<TextDocument>& document, Faults& faults) {
  document = std::make_unique<TextDocument>();
  if (format == TextFormat::kJson) return document->ParseJson(text, faults);
  if (format == TextFormat::kAuto && BeginsAsJson(text)) {
    Faults not_json;
    if (document->ParseJson(text, not_json)) return true;
    // Flow YAML looks like JSON with other habits: keys without quotes, comments. Where it is neither, the message that
    // got further is the better one.
    Faults not_yaml;
    document = std::make_unique<TextDocument>();
    if (document->ParseYaml(text, not_yaml)) return true;
    const auto place = [](const Faults& f) { return std::pair(f.list().front().line, f.list().front().column); };
    faults.Append(place(not_json) >= place(not_yaml) ? not_json : not_yaml);
    return false;
  }
  return document->ParseYaml(text, faults);
}

}  // namespace

bool LoadText(std::string_view text, TextFormat format, google::protobuf::Message& message, Faults& faults) {
  const size_t before = faults.count();
  message.Clear();
  std::unique_ptr<TextDocument> document;
  if (!Parse(text, format, document, faults)) return false;
  if (document->root() == nullptr) {
    faults.Add("is empty");
    return false;
  }
  MessageBuilder(*document, faults).Build(message);
  return faults.count() == before;
}

bool MergeText(std::string_view text, TextFormat format, google::protobuf::Message& message, Faults& faults) {
  std::unique_ptr<google::protobuf::Message> overlay(message.New());
  if (!LoadText(text, format, *overlay, faults)) return false;
  message.MergeFrom(*overlay);
  return true;
}

bool ReadTextFile(const std::string& path, std::string& text, Faults& faults) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    faults.Add(StrCat("cannot be opened: ", strerror(errno)));
    return false;
  }
  struct stat status;
  const bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  text.clear();
  bool ok = regular || S_ISFIFO(status.st_mode);
  if (!ok) faults.Add("is not a file");
  char buffer[65536];
  while (ok) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      faults.Add(StrCat("cannot be read: ", strerror(errno)));
      ok = false;
    } else if (text.size() + static_cast<size_t>(count) > TextDocument::kMaxTextSize) {
      faults.Add(StrCat("is larger than ", TextDocument::kMaxTextSize >> 20, " MiB"));
      ok = false;
    } else {
      text.append(buffer, static_cast<size_t>(count));
    }
  }
  close(fd);
  return ok;
}

bool LoadFile(const std::string& path, google::protobuf::Message& message, Faults& faults) {
  std::string text;
  if (!ReadTextFile(path, text, faults)) return false;
  if (std::string_view(path).ends_with(".pb")) {
    const size_t before = faults.count();
    if (!message.ParseFromString(text)) {
      faults.Add(StrCat("is not a ", message.GetDescriptor()->full_name(), " in wire form"));
      return false;
    }
    CheckUnknownFields(message, faults, AnyHandling::kEnterKnown);
    return faults.count() == before;
  }
  const bool json = std::string_view(path).ends_with(".json");
  return LoadText(text, json ? TextFormat::kJson : TextFormat::kAuto, message, faults);
}

}  // namespace nuncio::config
