#pragma once

#include <memory>
#include <vector>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "source/access_log/access_log_config.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"

namespace nuncio::access_log {

// Compiles the `access_log` lists of listeners and connection managers. `field` names the list for faults. The messages
// have passed the rule checker, but for what is within an Any. Faulty entries are left out.
std::vector<std::shared_ptr<const AccessLogConfig>> CompileAccessLogs(
    const google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog>& messages, std::string_view field,
    config::DataSourceAccess data_sources, config::Faults& faults);

}  // namespace nuncio::access_log
