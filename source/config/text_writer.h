#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nuncio::config {

// Takes a tree of values in order and writes it down. In an object every value follows a Key.
class TextWriter {
 public:
  virtual ~TextWriter() = default;
  virtual void BeginObject() = 0;
  virtual void EndObject() = 0;
  virtual void BeginList() = 0;
  virtual void EndList() = 0;
  virtual void Key(std::string_view name) = 0;
  virtual void String(std::string_view text) = 0;
  // A number, bool or null, as it is to stand there.
  virtual void Literal(std::string_view text) = 0;
  // A number of 64 bits, which JSON has in quotes.
  virtual void LongNumber(std::string_view digits) = 0;
};

class JsonWriter final : public TextWriter {
 public:
  // Appends to `out`; `pretty` as in DumpOptions.
  JsonWriter(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void BeginObject() override { Begin('{'); }
  void EndObject() override { End('}'); }
  void BeginList() override { Begin('['); }
  void EndList() override { End(']'); }
  void Key(std::string_view name) override;
  void String(std::string_view text) override;
  void Literal(std::string_view text) override;
  void LongNumber(std::string_view digits) override { String(digits); }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Separate();
  void NewLine();

  std::string& out_;
  const bool pretty_;
  // For each open object or list: something stands in it.
  std::vector<bool> filled_;
  bool after_key_ = false;
};

class YamlWriter final : public TextWriter {
 public:
  explicit YamlWriter(std::string& out) : out_(out) {}

  void BeginObject() override { Begin(Kind::kObject); }
  void EndObject() override { End("{}"); }
  void BeginList() override { Begin(Kind::kList); }
  void EndList() override { End("[]"); }
  void Key(std::string_view name) override;
  void String(std::string_view text) override;
  void Literal(std::string_view text) override { Scalar(text); }
  void LongNumber(std::string_view digits) override { Scalar(digits); }

 private:
  enum class Kind { kObject, kList };
  enum class Place { kRoot, kAfterKey, kAfterDash };
  struct Level {
    Kind kind;
    Place place;
    size_t indent;
    bool filled;
  };

  void Begin(Kind kind);
  void End(std::string_view if_empty);
  // Goes to where the next key or item begins.
  void StartEntry();
  // Writes the dash if the value to come is an item.
  Place StartValue();
  void Scalar(std::string_view text);
  bool Block(std::string_view text, Place place);

  std::string& out_;
  std::vector<Level> levels_;
};

}  // namespace nuncio::config
