#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/route/per_filter_config.h"
#include "source/route/route_table.h"
#include "source/route/value_formatter.h"

namespace nuncio::route {

// Parses value templates. The floor that has the formatters hands one in.
class FormatterFactory {
 public:
  virtual ~FormatterFactory() = default;
  // Null with a fault at the current path where `format` is not a well-formed template.
  virtual std::unique_ptr<const ValueFormatter> Parse(std::string_view format, config::Faults& faults) const = 0;
};

// Compiles what routes say to HTTP filters. The floor that has the filters hands one in.
class FilterSettingsCompiler {
 public:
  struct Result {
    // Which kind of filter takes settings of this type; static storage. Empty: none here does.
    std::string_view filter_type;
    // Null with faults.
    std::shared_ptr<const FilterSettings> settings;
  };

  virtual ~FilterSettingsCompiler() = default;
  virtual Result Compile(const google::protobuf::Any& settings, config::Faults& faults) const = 0;
};

struct CompileOptions {
  // Needed; values that hold a percent sign go there.
  const FormatterFactory* formatters = nullptr;
  // `typed_per_filter_config` goes there. Null: no filter takes any.
  const FilterSettingsCompiler* filters = nullptr;
  // Whether files and environment variables that bodies name are the reader's own.
  config::DataSourceAccess data_sources = config::DataSourceAccess::kRead;
  // The table that the new one replaces, or null: virtual hosts that did not change are shared with it instead of
  // compiled again. It was compiled with the same options.
  const RouteTable* previous = nullptr;
};

// The compiled table, or null with faults. Paths of faults begin at a field of `message`.
std::shared_ptr<const RouteTable> CompileRouteTable(const envoy::config::route::v3::RouteConfiguration& message,
                                                    const CompileOptions& options, config::Faults& faults);

// The names of clusters that routes forward to, each once, in order of appearance. Those named by request headers are
// not known here.
std::vector<std::string> ReferencedClusters(const envoy::config::route::v3::RouteConfiguration& message);

// A cluster that a route names, and where.
struct ClusterReference {
  std::string cluster;
  // Path of the field within the RouteConfiguration, e.g. `virtual_hosts[0].routes[2].route.cluster`.
  std::string field_path;
};
std::vector<ClusterReference> ClusterReferences(const envoy::config::route::v3::RouteConfiguration& message);

// Header changes as they stand in several messages. `removal_field` and `addition_field` name the fields for faults.
HeaderMutations CompileHeaderMutations(
    const google::protobuf::RepeatedPtrField<std::string>& removals, std::string_view removal_field,
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& additions,
    std::string_view addition_field, const CompileOptions& options, config::Faults& faults);

}  // namespace nuncio::route
