// The control plane as its clients see it, over gRPC.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include "envoy/service/cluster/v3/cds.grpc.pb.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "google/rpc/status.pb.h"
#include "source/base/strings.h"
#include "source/control/model/resource_types.h"
#include "test/control/support/certificates.h"
#include "test/control/support/resources.h"
#include "test/control/support/running_server.h"

namespace nuncio::control {
namespace {

using ::envoy::service::cluster::v3::ClusterDiscoveryService;
using ::envoy::service::discovery::v3::AggregatedDiscoveryService;
using ::envoy::service::discovery::v3::DiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryResponse;
using test::Routes;
using test::RunningServer;
using test::StaticCluster;

const std::string kCluster(kClusterType);

DiscoveryRequest FirstRequest(const std::string& node_id, const std::string& group) {
  DiscoveryRequest request;
  request.mutable_node()->set_id(node_id);
  request.mutable_node()->set_cluster(group);
  request.mutable_node()->set_user_agent_name("test");
  request.mutable_node()->set_user_agent_version("7");
  request.set_type_url(kCluster);
  return request;
}

DiscoveryRequest AnswerTo(const DiscoveryResponse& response, const std::string& error = "") {
  DiscoveryRequest request;
  request.set_type_url(response.type_url());
  request.set_response_nonce(response.nonce());
  if (error.empty()) {
    request.set_version_info(response.version_info());
  } else {
    request.mutable_error_detail()->set_message(error);
  }
  return request;
}

// An aggregated stream under the test's control.
class AdsClient {
 public:
  explicit AdsClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(AggregatedDiscoveryService::NewStub(channel)), stream_(Open()) {}

  // A stream that the server has ended already takes nothing any more; Receive and End tell of that.
  void Send(const DiscoveryRequest& request) { stream_->Write(request); }
  DiscoveryResponse Receive() {
    DiscoveryResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }
  // Waits for the stream's end.
  grpc::Status End() {
    DiscoveryResponse response;
    while (stream_->Read(&response)) continue;
    return stream_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientReaderWriter<DiscoveryRequest, DiscoveryResponse>> Open() {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return stub_->StreamAggregatedResources(&context_);
  }
  grpc::ClientContext context_;
  std::unique_ptr<AggregatedDiscoveryService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<DiscoveryRequest, DiscoveryResponse>> stream_;
};

TEST(ControlServerTest, AConfigurationFlowsAndItsAnswersAreSeen) {
  RunningServer running;
  AdsClient client(running.Channel());
  client.Send(FirstRequest("n1", "g"));
  const v1::Proxy waiting = running.AwaitProxy("n1", [](const v1::Proxy& proxy) { return proxy.types_size() == 1; });
  EXPECT_EQ(waiting.types(0).state(), v1::ProxyType::STATE_WAITING_FOR_PUSH);
  EXPECT_EQ(waiting.user_agent(), "test 7");
  EXPECT_EQ(waiting.group(), "g");
  EXPECT_EQ(waiting.target_revision(), 0u);

  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a")})).ok());
  DiscoveryResponse response = client.Receive();
  EXPECT_EQ(response.type_url(), kCluster);
  ASSERT_EQ(response.resources_size(), 1);
  EXPECT_EQ(response.resources(0).value(), StaticCluster("a").value());
  EXPECT_EQ(response.version_info().substr(0, 2), "1.");
  EXPECT_NE(response.control_plane().identifier(), "");
  client.Send(AnswerTo(response));
  const v1::Proxy synced = running.AwaitProxy("n1", [](const v1::Proxy& proxy) { return proxy.synced(); });
  EXPECT_EQ(synced.types(0).acknowledged_version(), response.version_info());
  EXPECT_EQ(synced.target_revision(), 1u);

  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a", 2)})).ok());
  const std::string good = response.version_info();
  response = client.Receive();
  client.Send(AnswerTo(response, "cluster a: too slow"));
  const v1::Proxy refusing = running.AwaitProxy("n1", [](const v1::Proxy& p) {
    return p.types_size() == 1 && p.types(0).state() == v1::ProxyType::STATE_REFUSED;
  });
  EXPECT_EQ(refusing.types(0).error(), "cluster a: too slow");
  EXPECT_EQ(refusing.types(0).acknowledged_version(), good);
  EXPECT_EQ(refusing.types(0).refused_version(), response.version_info());

  client.Cancel();
  const v1::Proxy gone = running.AwaitProxy("n1", [](const v1::Proxy& proxy) { return !proxy.connected(); });
  EXPECT_TRUE(gone.has_disconnect_time());
  EXPECT_EQ(gone.open_streams(), 0u);
}

TEST(ControlServerTest, AStreamForOneType) {
  RunningServer running;
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a")})).ok());
  const auto stub = ClusterDiscoveryService::NewStub(running.Channel());
  grpc::ClientContext context;
  const auto stream = stub->StreamClusters(&context);
  DiscoveryRequest request = FirstRequest("n1", "g");
  request.clear_type_url();
  ASSERT_TRUE(stream->Write(request));
  DiscoveryResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.type_url(), kCluster);
  EXPECT_EQ(response.resources_size(), 1);
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(ControlServerTest, WhoDoesNotSayWhoHeIsIsTurnedAway) {
  RunningServer running;
  AdsClient nameless(running.Channel());
  nameless.Send(FirstRequest("", "g"));
  const grpc::Status no_id = nameless.End();
  EXPECT_EQ(no_id.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(no_id.error_message().find("node.id"), std::string::npos);
  AdsClient groupless(running.Channel());
  groupless.Send(FirstRequest("n1", ""));
  const grpc::Status no_group = groupless.End();
  EXPECT_EQ(no_group.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(no_group.error_message().find("node.cluster"), std::string::npos);
}

TEST(ControlServerTest, ARefusedPushTellsEverythingInItsStatus) {
  RunningServer running;
  const grpc::Status status = running.Push(RunningServer::PushOf("g", {Routes("r", "x"), Routes("s", "y")}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  v1::PushRefusal refusal;
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&refusal));
  EXPECT_EQ(refusal.total_faults(), 2u);
  ASSERT_EQ(refusal.faults_size(), 2);
  EXPECT_EQ(refusal.faults(0).name(), "r");
  EXPECT_EQ(refusal.faults(0).field_path(), "virtual_hosts[0].routes[0].route.cluster");
  EXPECT_EQ(refusal.faults(0).severity(), v1::Fault::SEVERITY_ERROR);
  EXPECT_EQ(refusal.faults(1).resource_index(), 1u);
}

TEST(ControlServerTest, MoreFaultsThanAStatusHoldsAreToldByADryRun) {
  RunningServer running;
  std::vector<google::protobuf::Any> many;
  for (int i = 0; i < 300; ++i) many.push_back(Routes(StrCat("r", i), "x"));
  v1::PushRequest request = RunningServer::PushOf("g", many);
  const grpc::Status status = running.Push(request);
  // A client with the limits that gRPC has by default gets the status nevertheless.
  ASSERT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  google::rpc::Status details;
  v1::PushRefusal refusal;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(details.details(0).UnpackTo(&refusal));
  EXPECT_EQ(refusal.total_faults(), 300u);
  EXPECT_GT(refusal.faults_size(), 0);
  EXPECT_LT(refusal.faults_size(), 300);
  request.set_dry_run(true);
  v1::PushResponse response;
  ASSERT_TRUE(running.Push(request, &response).ok());
  EXPECT_TRUE(response.refused());
  EXPECT_EQ(response.faults_size(), 300);
}

TEST(ControlServerTest, AStaleBaseIsAborted) {
  RunningServer running;
  v1::PushRequest request = RunningServer::PushOf("g", {StaticCluster("a")});
  request.set_author("ann");
  ASSERT_TRUE(running.Push(request).ok());
  request = RunningServer::PushOf("g", {StaticCluster("b")});
  request.set_expected_revision(0);
  const grpc::Status status = running.Push(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  google::rpc::Status details;
  v1::RevisionConflict conflict;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(details.details(0).UnpackTo(&conflict));
  EXPECT_EQ(conflict.current_revision(), 1u);
  EXPECT_EQ(conflict.author(), "ann");
}

TEST(ControlServerTest, RevisionsCanBeReadComparedAndBroughtBack) {
  RunningServer running;
  const auto config = running.Config();
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a"), StaticCluster("b")})).ok());
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a", 2), StaticCluster("c")})).ok());
  {
    grpc::ClientContext context;
    v1::DiffRequest request;
    v1::DiffResponse response;
    request.set_group("g");
    ASSERT_TRUE(config->Diff(&context, request, &response).ok());
    EXPECT_EQ(response.from_revision(), 1u);
    EXPECT_EQ(response.to_revision(), 2u);
    ASSERT_EQ(response.changes_size(), 3);
    EXPECT_EQ(response.changes(0).kind(), v1::ResourceChange::KIND_CHANGED);
    EXPECT_EQ(response.changes(0).before().value(), StaticCluster("a").value());
    EXPECT_EQ(response.changes(1).kind(), v1::ResourceChange::KIND_REMOVED);
    EXPECT_EQ(response.changes(2).kind(), v1::ResourceChange::KIND_ADDED);
  }
  {
    grpc::ClientContext context;
    v1::RollbackRequest request;
    v1::RollbackResponse response;
    request.set_group("g");
    ASSERT_TRUE(config->Rollback(&context, request, &response).ok());
    EXPECT_EQ(response.rolled_back_to(), 1u);
    EXPECT_EQ(response.push().revision(), 3u);
  }
  {
    grpc::ClientContext context;
    v1::GetRequest request;
    v1::GetResponse response;
    request.set_group("g");
    ASSERT_TRUE(config->Get(&context, request, &response).ok());
    ASSERT_EQ(response.resources_size(), 2);
    EXPECT_EQ(response.resources(1).name(), "b");
    EXPECT_EQ(response.resources(1).changed_revision(), 3u);
    EXPECT_EQ(response.resources(1).resource().value(), StaticCluster("b").value());
  }
  {
    grpc::ClientContext context;
    v1::HistoryRequest request;
    v1::HistoryResponse response;
    request.set_group("g");
    request.set_limit(2);
    ASSERT_TRUE(config->History(&context, request, &response).ok());
    ASSERT_EQ(response.revisions_size(), 2);
    EXPECT_EQ(response.revisions(0).revision(), 3u);
    EXPECT_EQ(response.revisions(0).origin(), v1::Revision::ORIGIN_ROLLBACK);
    EXPECT_EQ(response.next_before_revision(), 2u);
  }
  {
    grpc::ClientContext context;
    v1::ListResponse response;
    ASSERT_TRUE(config->List(&context, {}, &response).ok());
    ASSERT_EQ(response.groups_size(), 1);
    EXPECT_EQ(response.groups(0).latest().revision(), 3u);
  }
}

TEST(ControlServerTest, StoppingTellsClientsToComeBackAndTheyFindEverythingAgain) {
  RunningServer running;
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a")})).ok());
  AdsClient client(running.Channel());
  client.Send(FirstRequest("n1", "g"));
  const std::string version = client.Receive().version_info();
  running.server().Stop();
  EXPECT_EQ(client.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  // The lock on the store goes with the old server.
  running.Release();
  running.Start();
  AdsClient again(running.Channel());
  again.Send(FirstRequest("n1", "g"));
  EXPECT_EQ(again.Receive().version_info(), version);
}

TEST(ControlServerTest, ProxiesHaveAPortOfTheirOwnWhereAsked) {
  RunningServer running([](Options& options) { options.xds_listen = "127.0.0.1:0"; });
  ASSERT_NE(running.server().xds_address(), running.server().listen_address());
  AdsClient wrong(running.Channel());
  wrong.Send(FirstRequest("n1", "g"));
  EXPECT_EQ(wrong.End().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  const auto xds = grpc::CreateChannel(running.server().xds_address(), grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  v1::ListResponse response;
  EXPECT_EQ(v1::ConfigService::NewStub(xds)->List(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a")})).ok());
  AdsClient right(xds);
  right.Send(FirstRequest("n1", "g"));
  EXPECT_EQ(right.Receive().resources_size(), 1);
}

// Calls a method of a service that has no stub here, with a request and an answer in their wire form.
std::string RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, method, sent, &queue);
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return "error: " + status.error_message();
  std::vector<grpc::Slice> slices;
  answer.Dump(&slices);
  std::string text;
  for (const grpc::Slice& piece : slices) text.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
  return text;
}

TEST(ControlServerTest, HealthAndReflectionAreServed) {
  RunningServer running;
  // HealthCheckResponse.status: SERVING.
  EXPECT_EQ(RawCall(running.Channel(), "/grpc.health.v1.Health/Check", ""), std::string("\x08\x01", 2));
  // ServerReflectionRequest.list_services, as the only message of the stream.
  const std::string services = RawCall(
      running.Channel(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x01*", 3));
  EXPECT_NE(services.find("nuncio.control.v1.ConfigService"), std::string::npos) << services;
  EXPECT_NE(services.find("envoy.service.discovery.v3.AggregatedDiscoveryService"), std::string::npos) << services;
}

TEST(ControlServerTest, ManyProxiesGetEachPush) {
  RunningServer running;
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a")})).ok());
  constexpr int kClients = 300;
  const auto channel = running.Channel();
  std::vector<std::unique_ptr<AdsClient>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<AdsClient>(channel));
    clients.back()->Send(FirstRequest(StrCat("n", i), "g"));
  }
  for (const auto& client : clients) client->Send(AnswerTo(client->Receive()));
  ASSERT_TRUE(running.Push(RunningServer::PushOf("g", {StaticCluster("a", 2)})).ok());
  for (const auto& client : clients) {
    const DiscoveryResponse response = client->Receive();
    EXPECT_EQ(response.version_info().substr(0, 2), "2.");
    client->Send(AnswerTo(response));
  }
  grpc::ClientContext context;
  v1::ListResponse list;
  ASSERT_TRUE(running.Config()->List(&context, {}, &list).ok());
  EXPECT_EQ(list.groups(0).connected_proxies(), static_cast<uint32_t>(kClients));
}

// A server with the files "used.pem", "used.key" and "used.ca", at first those of `server` and of the authority `ca`,
// that knows the operator ann.
class ControlServerTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    files_.MakeAuthority("ca");
    files_.MakeLeaf("server", "localhost");
    files_.MakeLeaf("operator", "ann");
    files_.MakeLeaf("proxy", "proxy-1");
    Use("server", "ca");
  }

  std::string Used(const std::string& ending) const { return files_.File("used." + ending); }
  void Use(const std::string& leaf, const std::string& client_ca) {
    files_.Replace(files_.Pem(leaf), Used("pem"));
    files_.Replace(files_.Key(leaf), Used("key"));
    files_.Replace(files_.Pem(client_ca), Used("ca"));
  }
  void Configure(Options& options) const {
    options.tls_cert = Used("pem");
    options.tls_key = Used("key");
    options.client_ca = Used("ca");
    options.operators = {"ann"};
  }
  static void Settle(RunningServer& running) {
    running.server().Tick();
    running.server().Tick();
  }

  // A connection of its own, which trusts `authority`.
  std::shared_ptr<grpc::Channel> Channel(RunningServer& running, const std::string& who,
                                         const std::string& authority = "ca") {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = test::ReadFile(files_.Pem(authority));
    if (!who.empty()) {
      tls.pem_cert_chain = test::ReadFile(files_.Pem(who));
      tls.pem_private_key = test::ReadFile(files_.Key(who));
    }
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(running.server().listen_address(), grpc::SslCredentials(tls), arguments);
  }

  grpc::Status PushAs(RunningServer& running, const std::string& who, const std::string& authority = "ca",
                      double timeout = 1) {
    grpc::ClientContext context;
    v1::PushResponse response;
    v1::PushRequest request = RunningServer::PushOf("g", {StaticCluster("a", timeout)});
    request.set_author("somebody");
    return v1::ConfigService::NewStub(Channel(running, who, authority))->Push(&context, request, &response);
  }

  test::Certificates files_;
};

TEST_F(ControlServerTlsTest, OnlyOperatorsPushAndProxiesOnlySubscribe) {
  RunningServer running([&](Options& options) { Configure(options); });
  EXPECT_EQ(PushAs(running, "").error_code(), grpc::StatusCode::UNAVAILABLE);
  const grpc::Status proxy = PushAs(running, "proxy");
  EXPECT_EQ(proxy.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_NE(proxy.error_message().find("proxy-1"), std::string::npos) << proxy.error_message();
  const grpc::Status ann = PushAs(running, "operator");
  ASSERT_TRUE(ann.ok()) << ann.error_message();

  AdsClient client(Channel(running, "proxy"));
  client.Send(FirstRequest("n1", "g"));
  EXPECT_EQ(client.Receive().resources_size(), 1);

  grpc::ClientContext context;
  v1::HistoryRequest request;
  v1::HistoryResponse response;
  request.set_group("g");
  ASSERT_TRUE(v1::ConfigService::NewStub(Channel(running, "operator"))->History(&context, request, &response).ok());
  EXPECT_EQ(response.revisions(0).author(), "somebody (ann)");
}

TEST_F(ControlServerTlsTest, FilesAreReplacedUnderLiveStreams) {
  RunningServer running([&](Options& options) { Configure(options); });
  ASSERT_TRUE(PushAs(running, "operator").ok());
  AdsClient client(Channel(running, "proxy"));
  client.Send(FirstRequest("n1", "g"));
  client.Send(AnswerTo(client.Receive()));

  files_.MakeAuthority("newer");
  files_.MakeLeaf("server2", "localhost", "newer");
  files_.MakeLeaf("operator2", "ann", "newer");
  Use("server2", "newer");
  EXPECT_TRUE(PushAs(running, "operator", "ca").ok()) << "not looked at yet";
  Settle(running);
  EXPECT_EQ(PushAs(running, "operator", "ca").error_code(), grpc::StatusCode::UNAVAILABLE) << "not the old authority's";
  EXPECT_EQ(PushAs(running, "operator", "newer").error_code(), grpc::StatusCode::UNAVAILABLE) << "an old client";
  const grpc::Status pushed = PushAs(running, "operator2", "newer", 2);
  ASSERT_TRUE(pushed.ok()) << pushed.error_message();
  EXPECT_EQ(client.Receive().version_info().substr(0, 2), "2.") << "the stream from before goes on";
}

TEST_F(ControlServerTlsTest, BadReplacementsChangeNothing) {
  RunningServer running([&](Options& options) { Configure(options); });
  files_.MakeLeaf("server2", "localhost");
  files_.Replace(files_.Pem("server2"), Used("pem"));
  Settle(running);
  const grpc::Status pushed = PushAs(running, "operator");
  EXPECT_TRUE(pushed.ok()) << pushed.error_message();
}

TEST_F(ControlServerTlsTest, BadFilesAtTheStartAreToldByName) {
  files_.Replace(files_.Key("proxy"), Used("key"));
  test::TemporaryDirectory directory;
  Options options;
  options.listen = "127.0.0.1:0";
  options.http_listen.clear();
  options.store = directory.File("store");
  Configure(options);
  const auto server = ControlServer::Start(options, Clock::Real(), *SqliteStore::Open(options.store));
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().message().find("--tls-key=" + Used("key") + ": "), 0u) << server.status();
}

}  // namespace
}  // namespace nuncio::control
