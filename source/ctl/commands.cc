#include "source/ctl/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "api/linked.h"
#include "google/rpc/status.pb.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/base/version.h"
#include "source/config/message_dump.h"
#include "source/control/model/resource_types.h"
#include "source/ctl/client.h"
#include "source/ctl/printing.h"
#include "source/ctl/resource_files.h"
#include "source/ctl/text_diff.h"

namespace nuncio::ctl {
namespace {

namespace v1 = control::v1;

void Print(const std::string& text) { fwrite(text.data(), 1, text.size(), stdout); }
void PrintError(const std::string& text) { fprintf(stderr, "%s\n", text.c_str()); }

// The type that an operator's word means; the word itself where it is a type URL that is not known.
absl::StatusOr<std::string> TypeUrl(const std::string& word) {
  const control::ResourceType* type = control::FindResourceTypeByAnyName(word);
  if (type != nullptr) return std::string(type->type_url);
  if (word.starts_with(control::kTypeUrlPrefix)) return word;
  return InvalidArgument(StrCat("there is no resource type \"", word,
                                "\"; there are cluster, endpoint, listener, route, and type URLs that begin with ",
                                control::kTypeUrlPrefix));
}

bool IsNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class Runner {
 public:
  Runner(const Options& options, Client& client) : options_(options), client_(client) {}

  int Run() {
    switch (options_.command) {
      case Command::kPush:
        return Push();
      case Command::kValidate:
        return Validate();
      case Command::kGet:
        return Get();
      case Command::kList:
        return List();
      case Command::kHistory:
        return History();
      case Command::kDiff:
        return Diff();
      case Command::kRollback:
        return Rollback();
      case Command::kProxies:
        return options_.watch ? WatchProxies() : ListProxies();
      case Command::kHelp:
      case Command::kVersion:
        break;
    }
    return kExitUsage;
  }

 private:
  Format OutputFormat(Format by_default = Format::kTable) const { return options_.format.value_or(by_default); }

  // Calls a unary method. The exit status is kExitOk, or what its failure means, after telling why.
  template <typename Stub, typename Request, typename Response>
  int Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, Response& response, grpc::Status* failure = nullptr) {
    grpc::ClientContext context;
    client_.SetDeadline(context);
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (failure != nullptr) *failure = status;
    if (status.ok()) return kExitOk;
    if (failure != nullptr && status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) return kExitRefused;
    return Explain(status);
  }

  int Explain(const grpc::Status& status) {
    switch (status.error_code()) {
      case grpc::StatusCode::UNAVAILABLE:
        PrintError(
            StrCat("nuncioctl: cannot reach the control plane at ", options_.server, ": ", status.error_message()));
        return kExitUnavailable;
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        PrintError(StrCat("nuncioctl: no answer from ", options_.server, " within ", options_.timeout.count(),
                          " s; see --timeout"));
        return kExitUnavailable;
      default:
        PrintError(StrCat("nuncioctl: ", status.error_message()));
        return kExitRefused;
    }
  }

  // The resources of the paths given; nullopt after telling what is wrong with them.
  std::optional<std::vector<LoadedResource>> Load(const std::vector<std::string>& paths) {
    LoadResult loaded = LoadResources(paths);
    for (const std::string& fault : loaded.faults) PrintError(fault);
    if (!loaded.faults.empty()) return std::nullopt;
    return std::move(loaded.resources);
  }

  void PrintFaults(const google::protobuf::RepeatedPtrField<v1::Fault>& faults,
                   const std::vector<LoadedResource>& loaded) {
    for (const v1::Fault& fault : faults) PrintError(FaultLine(fault, loaded));
  }

  // Tells why a push or rollback was refused: what the status carries, or, where that is not all, what a dry run tells.
  template <typename DryRun>
  int ExplainRefusal(const grpc::Status& status, const std::vector<LoadedResource>& loaded, DryRun dry_run) {
    google::rpc::Status details;
    v1::PushRefusal refusal;
    if (!details.ParseFromString(status.error_details()) || details.details_size() == 0 ||
        !details.details(0).UnpackTo(&refusal)) {
      return Explain(status);
    }
    if (refusal.total_faults() > static_cast<uint32_t>(refusal.faults_size())) {
      v1::PushResponse whole;
      if (dry_run(whole) == kExitOk && whole.refused()) *refusal.mutable_faults() = whole.faults();
    }
    PrintFaults(refusal.faults(), loaded);
    PrintError(StrCat("nuncioctl: refused, nothing was changed"));
    return kExitRefused;
  }

  // Ends a push or rollback that was answered.
  int Report(const v1::PushResponse& response, const std::vector<LoadedResource>& loaded, bool dry_run,
             const google::protobuf::Message& whole_answer) {
    PrintFaults(response.faults(), loaded);
    if (OutputFormat() != Format::kTable) {
      Print(Structured(whole_answer, OutputFormat()));
      return response.refused() ? kExitRefused : kExitOk;
    }
    if (response.refused()) {
      if (response.faults_size() == 0) {
        PrintError(StrCat("nuncioctl: would be refused: group \"", options_.group, "\" is at revision ",
                          response.revision(), ", not ", options_.expect.value_or(0)));
      } else {
        PrintError("nuncioctl: would be refused");
      }
      return kExitRefused;
    }
    if (response.unchanged()) {
      Print(StrCat("unchanged: group ", options_.group, " is at revision ", response.revision(), "\n"));
      return kExitOk;
    }
    Print(dry_run ? StrCat("dry run: against revision ", response.revision(), " ", CountText(response.changes()), "\n")
                  : StrCat("revision ", response.revision(), " of group ", options_.group, ": ",
                           CountText(response.changes()), "\n"));
    Print(ChangeLines(response.changes()));
    return kExitOk;
  }

  int Push() {
    const std::optional<std::vector<LoadedResource>> loaded = Load(options_.arguments);
    if (!loaded.has_value()) return kExitUsage;
    v1::PushRequest request;
    request.set_group(options_.group);
    for (const LoadedResource& resource : *loaded) *request.add_resources()->mutable_resource() = resource.resource;
    request.set_partial(options_.partial);
    for (const std::string& deleted : options_.deletes) {
      const size_t slash = deleted.rfind('/');
      // A type URL holds slashes itself, a type's word none.
      const size_t cut = deleted.starts_with(control::kTypeUrlPrefix) ? slash : deleted.find('/');
      const absl::StatusOr<std::string> type_url = TypeUrl(deleted.substr(0, cut));
      if (!type_url.ok()) return Usage(type_url.status());
      v1::ResourceName& name = *request.add_deletes();
      name.set_type_url(*type_url);
      name.set_name(deleted.substr(cut + 1));
    }
    request.set_dry_run(options_.dry_run);
    if (options_.expect.has_value()) request.set_expected_revision(*options_.expect);
    request.set_strict(options_.strict);
    request.set_author(options_.author);
    request.set_message(options_.message);
    v1::PushResponse response;
    grpc::Status failure;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::Push, request, response, &failure);
    if (exit == kExitOk) return Report(response, *loaded, options_.dry_run, response);
    if (failure.error_code() != grpc::StatusCode::INVALID_ARGUMENT) return exit;
    return ExplainRefusal(failure, *loaded, [&](v1::PushResponse& whole) {
      request.set_dry_run(true);
      return Call(client_.config(), &v1::ConfigService::Stub::Push, request, whole);
    });
  }

  int Rollback() {
    v1::RollbackRequest request;
    request.set_group(options_.group);
    if (!options_.arguments.empty()) {
      const std::optional<uint64_t> revision = ParseDecimal<uint64_t>(options_.arguments[0]);
      if (!revision.has_value() || *revision == 0) {
        return Usage(InvalidArgument(StrCat("\"", options_.arguments[0], "\" is no revision number")));
      }
      request.set_to_revision(*revision);
    }
    if (options_.expect.has_value()) request.set_expected_revision(*options_.expect);
    request.set_dry_run(options_.dry_run);
    request.set_author(options_.author);
    request.set_message(options_.message);
    v1::RollbackResponse response;
    grpc::Status failure;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::Rollback, request, response, &failure);
    if (exit == kExitOk) return Report(response.push(), {}, options_.dry_run, response);
    if (failure.error_code() != grpc::StatusCode::INVALID_ARGUMENT) return exit;
    return ExplainRefusal(failure, {}, [&](v1::PushResponse& whole) {
      request.set_dry_run(true);
      v1::RollbackResponse dry;
      const int dry_exit = Call(client_.config(), &v1::ConfigService::Stub::Rollback, request, dry);
      whole = dry.push();
      return dry_exit;
    });
  }

  int Validate() {
    const std::optional<std::vector<LoadedResource>> loaded = Load(options_.arguments);
    if (!loaded.has_value()) return kExitUsage;
    v1::ValidateRequest request;
    for (const LoadedResource& resource : *loaded) *request.add_resources()->mutable_resource() = resource.resource;
    request.set_strict(options_.strict);
    request.set_partial(options_.partial);
    v1::ValidateResponse response;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::Validate, request, response);
    if (exit != kExitOk) return exit;
    PrintFaults(response.faults(), *loaded);
    if (OutputFormat() != Format::kTable) {
      Print(Structured(response, OutputFormat()));
    } else if (response.valid()) {
      Print(StrCat("valid: ", loaded->size(), " resources\n"));
    }
    return response.valid() ? kExitOk : kExitRefused;
  }

  int Get() {
    v1::GetRequest request;
    request.set_group(options_.group);
    request.set_revision(options_.revision.value_or(0));
    // The request's filters hold together; what is asked for here is each by itself.
    std::vector<std::pair<std::string, std::string>> wanted;
    for (const std::string& argument : options_.arguments) {
      const size_t cut = argument.starts_with(control::kTypeUrlPrefix)
                             ? argument.find('/', control::kTypeUrlPrefix.size())
                             : argument.find('/');
      const absl::StatusOr<std::string> type_url = TypeUrl(argument.substr(0, cut));
      if (!type_url.ok()) return Usage(type_url.status());
      request.add_type_urls(*type_url);
      wanted.emplace_back(*type_url, cut == std::string::npos ? "" : argument.substr(cut + 1));
    }
    v1::GetResponse response;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::Get, request, response);
    if (exit != kExitOk) return exit;
    if (!wanted.empty()) {
      google::protobuf::RepeatedPtrField<v1::StoredResource> kept;
      for (const v1::StoredResource& stored : response.resources()) {
        const bool keep = std::any_of(wanted.begin(), wanted.end(), [&](const auto& want) {
          return want.first == stored.resource().type_url() && (want.second.empty() || want.second == stored.name());
        });
        if (keep) *kept.Add() = stored;
      }
      response.mutable_resources()->Swap(&kept);
      if (response.resources_size() == 0) {
        PrintError(StrCat("nuncioctl: there is none of these in group \"", options_.group, "\", revision ",
                          response.revision().revision()));
        return kExitRefused;
      }
    }
    if (OutputFormat(Format::kYaml) == Format::kJson) {
      Print(Structured(response, Format::kJson));
    } else if (OutputFormat(Format::kYaml) == Format::kTable) {
      v1::ListResponse list;
      for (const v1::StoredResource& stored : response.resources()) {
        v1::ListResponse::Resource& resource = *list.add_resources();
        resource.set_type_url(stored.resource().type_url());
        resource.set_name(stored.name());
        resource.set_size(static_cast<uint32_t>(stored.resource().value().size()));
        resource.set_changed_revision(stored.changed_revision());
      }
      Print(ResourceTable(list));
    } else {
      PrintAsFile(response);
    }
    return kExitOk;
  }

  // In a form that push reads back.
  void PrintAsFile(const v1::GetResponse& response) {
    Print(StrCat("# group ", response.revision().group(), ", revision ", response.revision().revision(),
                 "\nresources:", response.resources_size() == 0 ? " []\n" : "\n"));
    for (const v1::StoredResource& stored : response.resources()) {
      std::string text = config::MessageToYaml(stored.resource());
      std::string indented;
      bool first = true;
      size_t begin = 0;
      while (begin < text.size()) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        StrAppend(indented, first ? "- " : "  ", text.substr(begin, end - begin), "\n");
        first = false;
        begin = end + 1;
      }
      Print(indented);
    }
  }

  int List() {
    v1::ListRequest request;
    request.set_group(options_.group);
    v1::ListResponse response;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::List, request, response);
    if (exit != kExitOk) return exit;
    if (OutputFormat() != Format::kTable) {
      Print(Structured(response, OutputFormat()));
    } else {
      Print(options_.group.empty() ? GroupTable(response) : ResourceTable(response));
    }
    return kExitOk;
  }

  int History() {
    v1::HistoryRequest request;
    request.set_group(options_.group);
    request.set_before_revision(options_.before.value_or(0));
    request.set_limit(options_.limit);
    v1::HistoryResponse response;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::History, request, response);
    if (exit != kExitOk) return exit;
    if (OutputFormat() != Format::kTable) {
      Print(Structured(response, OutputFormat()));
    } else {
      Print(HistoryTable(response));
      if (response.next_before_revision() != 0) {
        Print(StrCat("older ones: --before ", response.next_before_revision(), "\n"));
      }
    }
    return kExitOk;
  }

  void PrintDiff(const std::string& diff) { Print(isatty(STDOUT_FILENO) ? Coloured(diff) : diff); }

  int Diff() {
    const bool revisions = std::all_of(options_.arguments.begin(), options_.arguments.end(), IsNumber);
    if (!revisions) return DiffFiles();
    if (options_.partial) return Usage(InvalidArgument("diff takes --partial only with PATH..."));
    if (options_.arguments.size() > 2) return Usage(InvalidArgument("diff takes two revisions at most"));
    v1::DiffRequest request;
    request.set_group(options_.group);
    if (!options_.arguments.empty()) {
      request.set_from_revision(ParseDecimal<uint64_t>(options_.arguments[0]).value_or(0));
    }
    if (options_.arguments.size() == 2) {
      request.set_to_revision(ParseDecimal<uint64_t>(options_.arguments[1]).value_or(0));
    }
    v1::DiffResponse response;
    const int exit = Call(client_.config(), &v1::ConfigService::Stub::Diff, request, response);
    if (exit != kExitOk) return exit;
    if (OutputFormat() != Format::kTable) {
      Print(Structured(response, OutputFormat()));
      return kExitOk;
    }
    for (const v1::ResourceChange& change : response.changes()) {
      PrintDiff(ResourceDiff(ResourceLabel(change.type_url(), change.name()),
                             StrCat("revision ", response.from_revision()), StrCat("revision ", response.to_revision()),
                             change.has_before() ? &change.before() : nullptr,
                             change.has_after() ? &change.after() : nullptr));
    }
    return kExitOk;
  }

  // What a push of the files would change. Which resources that are only the server can tell: it does not give keys
  // out.
  int DiffFiles() {
    const std::optional<std::vector<LoadedResource>> loaded = Load(options_.arguments);
    if (!loaded.has_value()) return kExitUsage;
    v1::PushRequest push;
    push.set_group(options_.group);
    for (const LoadedResource& resource : *loaded) *push.add_resources()->mutable_resource() = resource.resource;
    push.set_partial(options_.partial);
    push.set_dry_run(true);
    v1::PushResponse outcome;
    if (const int exit = Call(client_.config(), &v1::ConfigService::Stub::Push, push, outcome); exit != kExitOk) {
      return exit;
    }
    v1::GetRequest request;
    request.set_group(options_.group);
    request.set_revision(outcome.revision());
    v1::GetResponse current;
    // For a new group everything is new.
    if (outcome.revision() != 0) {
      const int exit = Call(client_.config(), &v1::ConfigService::Stub::Get, request, current);
      if (exit != kExitOk) return exit;
    }
    std::map<std::string, const google::protobuf::Any*> before;
    for (const v1::StoredResource& stored : current.resources()) {
      before[ResourceLabel(stored.resource().type_url(), stored.name())] = &stored.resource();
    }
    std::map<std::string, const LoadedResource*> after;
    for (const LoadedResource& resource : *loaded) after[resource.label] = &resource;
    for (const v1::ResourceChange& change : outcome.changes()) {
      const std::string label = ResourceLabel(change.type_url(), change.name());
      const auto old_one = before.find(label);
      const auto new_one = after.find(label);
      PrintDiff(ResourceDiff(label, StrCat("revision ", outcome.revision()),
                             new_one == after.end() ? "" : new_one->second->file,
                             old_one == before.end() ? nullptr : old_one->second,
                             new_one == after.end() ? nullptr : &new_one->second->resource));
    }
    return kExitOk;
  }

  int ListProxies() {
    v1::ListProxiesRequest request;
    request.set_group(options_.group);
    if (!options_.arguments.empty()) request.set_node_id(options_.arguments[0]);
    v1::ListProxiesResponse response;
    const int exit = Call(client_.fleet(), &v1::FleetService::Stub::ListProxies, request, response);
    if (exit != kExitOk) return exit;
    if (OutputFormat() != Format::kTable) {
      Print(Structured(response, OutputFormat()));
    } else {
      Print(ProxyTable({response.proxies().begin(), response.proxies().end()}));
    }
    return kExitOk;
  }

  int WatchProxies() {
    v1::WatchProxiesRequest request;
    request.set_group(options_.group);
    grpc::ClientContext context;
    const auto reader = client_.fleet().WatchProxies(&context, request);
    v1::WatchProxiesResponse event;
    while (reader->Read(&event)) {
      if (!options_.arguments.empty() && !Concerns(event, options_.arguments[0])) continue;
      if (OutputFormat() == Format::kTable) {
        Print(EventText(event));
      } else if (OutputFormat() == Format::kYaml) {
        Print("---\n" + Structured(event, Format::kYaml));
      } else {
        // One event a line.
        Print(config::MessageToJson(event, {.pretty = false}) + "\n");
      }
      fflush(stdout);
    }
    return Explain(reader->Finish());
  }

  static bool Concerns(const v1::WatchProxiesResponse& event, const std::string& node_id) {
    return event.has_initial_state_sent() || event.proxy().node_id() == node_id ||
           event.forgotten().node_id() == node_id;
  }

  int Usage(const absl::Status& status) {
    PrintError(StrCat("nuncioctl: ", status.message()));
    return kExitUsage;
  }

  const Options& options_;
  Client& client_;
};

}  // namespace

int Run(const Options& options) {
  if (options.command == Command::kHelp) {
    Print(HelpText());
    return kExitOk;
  }
  if (options.command == Command::kVersion) {
    Print(StrCat("nuncioctl ", kVersion, "\n"));
    return kExitOk;
  }
  api::LinkAllMessages();
  const absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options);
  if (!client.ok()) {
    PrintError(StrCat("nuncioctl: ", client.status().message()));
    return kExitUsage;
  }
  return Runner(options, **client).Run();
}

}  // namespace nuncio::ctl
