#pragma once

#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "nuncio/control/v1/config_service.pb.h"
#include "nuncio/control/v1/fleet_service.pb.h"
#include "source/ctl/options.h"
#include "source/ctl/resource_files.h"

// What commands print.
namespace nuncio::ctl {

// A whole answer, for scripts.
std::string Structured(const google::protobuf::Message& message, Format format);

// "file: resource: field: reason" of a fault in a push of `loaded`; the file is left out where the resource was not in
// it.
std::string FaultLine(const control::v1::Fault& fault, const std::vector<LoadedResource>& loaded);

// "1 added, 2 changed, 0 removed".
std::string CountText(const google::protobuf::RepeatedPtrField<control::v1::ResourceChange>& changes);
// "+ cluster blue" a line.
std::string ChangeLines(const google::protobuf::RepeatedPtrField<control::v1::ResourceChange>& changes);

// A unified diff of the two resources' YAML; an unset one stands for nothing.
std::string ResourceDiff(const std::string& label, const std::string& from, const std::string& to,
                         const google::protobuf::Any* before, const google::protobuf::Any* after);

std::string HistoryTable(const control::v1::HistoryResponse& response);
std::string GroupTable(const control::v1::ListResponse& response);
std::string ResourceTable(const control::v1::ListResponse& response);
// Also says below the table why something was refused.
std::string ProxyTable(const std::vector<control::v1::Proxy>& proxies);
// An event of a watch in a line, and one for each type that was refused; empty for the end of the first round.
std::string EventText(const control::v1::WatchProxiesResponse& event);
// A proxy's state in a few words: "synced", "refuses listener"...
std::string ProxyStateText(const control::v1::Proxy& proxy);

}  // namespace nuncio::ctl
