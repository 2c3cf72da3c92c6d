#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "google/protobuf/any.pb.h"
#include "source/config/fault.h"
#include "source/filter/http_filter_factory.h"
#include "source/route/config.h"

namespace nuncio::filter {

// A kind of HTTP filter: how its messages are compiled. The functions are called within the scope of the field that
// holds the Any, and give null with faults.
struct HttpFilterType {
  // Full name of the message in the chain, which stands for the kind.
  std::string_view type;
  // The extension's own: "envoy.filters.http.grpc_web".
  std::string_view name;
  std::shared_ptr<const HttpFilterConfig> (*compile)(const google::protobuf::Any& config, config::Faults& faults);
  // Full name of the message that a route may say to the filter; empty: none.
  std::string_view settings_type{};
  std::shared_ptr<const route::FilterSettings> (*compile_settings)(const google::protobuf::Any& settings,
                                                                   config::Faults& faults) = nullptr;
};

// The kinds of HTTP filters that this program has, but for the router.
class HttpFilterTypes final : public route::FilterSettingsCompiler {
 public:
  // The types outlive this.
  explicit HttpFilterTypes(std::span<const HttpFilterType> types) : types_(types) {}

  // Null where there is none.
  const HttpFilterType* Find(std::string_view type) const;
  std::span<const HttpFilterType> all() const { return types_; }
  Result Compile(const google::protobuf::Any& settings, config::Faults& faults) const override;

 private:
  const std::span<const HttpFilterType> types_;
};

}  // namespace nuncio::filter
