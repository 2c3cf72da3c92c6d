#pragma once

#include <compare>
#include <memory>
#include <string>
#include <utility>

namespace nuncio::upstream {

// Where something runs, as envoy.config.core.v3.Locality. Compared as a whole. Immutable; copies share the texts.
class Locality {
 public:
  Locality() = default;
  Locality(std::string region, std::string zone, std::string sub_zone) {
    Parts parts{std::move(region), std::move(zone), std::move(sub_zone)};
    if (parts != Parts()) parts_ = std::make_shared<const Parts>(std::move(parts));
  }

  const std::string& region() const { return parts().region; }
  const std::string& zone() const { return parts().zone; }
  const std::string& sub_zone() const { return parts().sub_zone; }
  bool empty() const { return parts_ == nullptr; }

  bool operator==(const Locality& other) const { return parts_ == other.parts_ || parts() == other.parts(); }
  bool operator<(const Locality& other) const { return parts() < other.parts(); }

 private:
  struct Parts {
    std::string region;
    std::string zone;
    std::string sub_zone;

    auto operator<=>(const Parts&) const = default;
  };
  const Parts& parts() const {
    static const Parts none;
    return parts_ == nullptr ? none : *parts_;
  }

  // Null where all are empty.
  std::shared_ptr<const Parts> parts_;
};

}  // namespace nuncio::upstream
