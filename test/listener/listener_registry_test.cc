#include "source/listener/listener_registry.h"

#include <sys/socket.h>
#include <unistd.h>

#include "api/linked.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "test/admin/admin_fixture.h"
#include "test/tls/test_pki.h"
#include "test/upstream/fakes.h"

namespace nuncio::listener {
namespace {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;

// Outlives the registries, whose secrets subscribe there.
struct Secrets {
  upstream::FakeSubscriptions secrets_;
};

class ListenerRegistryTest : protected Secrets, public admin::AdminFixture {
 protected:
  static constexpr int64_t kYears = int64_t{3650} * 86400;

  ListenerRegistryTest() {
    api::LinkAllMessages();
    contexts_.SetSubscriptions(secrets_);
  }

  static envoy::config::listener::v3::Listener Listener(const std::string& name, std::string_view fields = "") {
    config::Faults faults;
    envoy::config::listener::v3::Listener message;
    config::LoadText(StrCat("{name: ", name,
                            ", address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: "
                            "{filters: {name: t, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters."
                            "network.tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: c}}}",
                            fields, "}"),
                     config::TextFormat::kYaml, message, faults);
    EXPECT_EQ("", faults.ToString());
    return message;
  }
  // With the certificate of the secret: by discovery, or of the bootstrap.
  static envoy::config::listener::v3::Listener TlsListener(const std::string& name, const std::string& secret,
                                                           bool discovered = true, std::string_view fields = "") {
    auto message = Listener(name, fields);
    v3::DownstreamTlsContext context;
    auto& reference = *context.mutable_common_tls_context()->add_tls_certificate_sds_secret_configs();
    reference.set_name(secret);
    if (discovered) reference.mutable_sds_config()->mutable_ads();
    auto& socket = *message.mutable_filter_chains(0)->mutable_transport_socket();
    socket.set_name("tls");
    socket.mutable_typed_config()->PackFrom(context);
    return message;
  }
  // An answer of discovery; what the registry has against it.
  std::string Update(const std::vector<envoy::config::listener::v3::Listener>& messages,
                     std::vector<std::string> removed = {}) {
    config::ResourceUpdate update{"1", {}, std::move(removed)};
    for (const auto& message : messages) {
      config::Faults faults;
      auto config = CompileListener(message, config::DataSourceAccess::kRead, faults);
      EXPECT_EQ("", faults.ToString());
      update.added_or_changed.push_back(
          {message.name(), "1", config, std::make_shared<const std::string>(message.SerializeAsString())});
    }
    config::UpdateResult result;
    listeners_.OnUpdate(update, result);
    std::string refused;
    for (const auto& each : result.refusals()) refused += StrCat(each.name, ": ", each.faults.ToString());
    return refused;
  }
  void SendCertificate(const std::string& name) {
    const tls::Identity identity = tls::Issue({.name = name, .not_after = kYears}, nullptr, 1767225600);
    v3::Secret message;
    message.set_name(name);
    message.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(identity.Pem());
    message.mutable_tls_certificate()->mutable_private_key()->set_inline_string(identity.KeyPem());
    config::Faults faults;
    secrets_.Send(name, tls::CompileSecret(message, config::DataSourceAccess::kRead, faults));
    EXPECT_EQ("", faults.ToString());
  }
  ListenerRegistry::Entry Find(const std::string& name) {
    for (const auto& entry : listeners_.Entries()) {
      if (entry.name == name) return entry;
    }
    return {};
  }
  bool Active(const std::string& name) { return Find(name).active != nullptr; }
  // Whether the kernel takes connections there. No worker accepts them.
  static bool Listens(const net::Address& address) {
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = connect(fd, address.sockaddr_ptr(), address.length()) == 0;
    close(fd);
    return connected;
  }
  net::Address AddressOf(const std::string& name) { return Find(name).addresses.at(0); }
  static envoy::config::listener::v3::Listener On(const net::Address& address,
                                                  envoy::config::listener::v3::Listener message) {
    message.mutable_address()->mutable_socket_address()->set_port_value(address.port());
    return message;
  }
};

TEST_F(ListenerRegistryTest, AListenerWaitsForItsSecrets) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  EXPECT_FALSE(Active("l"));
  EXPECT_FALSE(Listens(AddressOf("l"))) << "who finds the port open takes it for served";
  EXPECT_EQ(1u, listeners_.warming());
  bool warm = false;
  listeners_.WhenWarm([&] { warm = true; });
  SendCertificate("own");
  EXPECT_TRUE(Active("l"));
  EXPECT_TRUE(Listens(AddressOf("l")));
  EXPECT_TRUE(warm);
  EXPECT_EQ(0, stats_.Find("listener_manager.total_listeners_warming"));
}

TEST_F(ListenerRegistryTest, AndForTheStart) {
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  SendCertificate("own");
  EXPECT_FALSE(Active("l"));
  EXPECT_FALSE(Listens(AddressOf("l")));
  listeners_.StartAccepting();
  EXPECT_TRUE(Active("l"));
  EXPECT_TRUE(Listens(AddressOf("l")));
}

TEST_F(ListenerRegistryTest, ItWaitsOnlySoLong) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  secrets_.FailFirst("own", config::FetchFailure::kTimedOut);
  EXPECT_TRUE(Active("l"));
}

TEST_F(ListenerRegistryTest, TheOneBeforeServesWhileItWaits) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({Listener("l")}));
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  EXPECT_TRUE(Active("l"));
  EXPECT_TRUE(Listens(AddressOf("l")));
  EXPECT_EQ(Find("l").active->chains.at(0)->tls, nullptr);
  EXPECT_EQ(1u, listeners_.warming());
  SendCertificate("own");
  EXPECT_EQ(0u, listeners_.warming());
  EXPECT_NE(Find("l").active->chains.at(0)->tls, nullptr);
  EXPECT_EQ(1, stats_.Find("listener_manager.listener_in_place_updated"));
}

TEST_F(ListenerRegistryTest, OnAnotherAddressToo) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({Listener("l")}));
  const net::Address before = AddressOf("l");
  // Nobody else's while the registry holds it.
  auto reserved = net::ListenSocket::Create(*net::Address::FromIp("127.0.0.1", 0), {.listen = false});
  ASSERT_TRUE(reserved.ok());
  const net::Address after = (*reserved)->local();
  EXPECT_EQ("", Update({On(after, TlsListener("l", "own"))}));
  EXPECT_EQ(1u, listeners_.warming());
  EXPECT_TRUE(Listens(before));
  EXPECT_FALSE(Listens(after));
  SendCertificate("own");
  EXPECT_EQ(0u, listeners_.warming());
  EXPECT_EQ(AddressOf("l"), after);
  EXPECT_TRUE(Listens(after));
}

TEST_F(ListenerRegistryTest, ListenersOfTheBootstrapStayAsTheyAre) {
  listeners_.StartAccepting();
  config::Faults faults;
  listeners_.AddStatic(CompileListener(Listener("l"), config::DataSourceAccess::kRead, faults),
                       std::make_shared<const std::string>(), faults);
  EXPECT_EQ("", faults.ToString());
  const net::Address address = AddressOf("l");
  EXPECT_EQ("", Update({TlsListener("l", "own"), Listener("m")}));
  EXPECT_EQ(address, AddressOf("l"));
  EXPECT_EQ(Find("l").active->chains.at(0)->tls, nullptr);
  EXPECT_EQ(0u, listeners_.warming());
  EXPECT_TRUE(Active("m"));
  EXPECT_EQ("", Update({}, {"l", "m"}));
  EXPECT_TRUE(Active("l"));
  EXPECT_FALSE(Active("m"));
}

TEST_F(ListenerRegistryTest, AnAddressIsOneListenersAtATime) {
  listeners_.StartAccepting();
  auto reserved = net::ListenSocket::Create(*net::Address::FromIp("127.0.0.1", 0), {.listen = false});
  ASSERT_TRUE(reserved.ok());
  const net::Address address = (*reserved)->local();
  const std::string refused = StrCat("m: address: ", address.ToString(), " is listener \"l\"'s already");
  EXPECT_EQ("", Update({On(address, Listener("l"))}));
  EXPECT_EQ(refused, Update({On(address, Listener("m"))}));
  // As long as it holds the address with what serves and with what is to come.
  EXPECT_EQ("", Update({On(address, TlsListener("l", "own"))}));
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  EXPECT_EQ(refused, Update({On(address, Listener("m"))}));
  SendCertificate("own");
  EXPECT_EQ("", Update({On(address, Listener("m"))}));
  EXPECT_EQ("", Update({On(address, Listener("l"))}, {"m"}));
  EXPECT_EQ(AddressOf("l"), address);
}

TEST_F(ListenerRegistryTest, OneThatCannotListenIsCounted) {
  auto first = net::ListenSocket::Create(*net::Address::FromIp("127.0.0.1", 0), {.reuse_port = false, .listen = false});
  ASSERT_TRUE(first.ok());
  auto listener = Listener("l", ", enable_reuse_port: false");
  listener.mutable_address()->mutable_socket_address()->set_port_value((*first)->local().port());
  EXPECT_EQ("", Update({listener}));
  // Two may bind an address; one of them may listen.
  ASSERT_TRUE((*first)->Listen().ok());
  listeners_.StartAccepting();
  EXPECT_EQ(1, stats_.Find("listener_manager.listener_create_failure"));
}

TEST_F(ListenerRegistryTest, ARenamedListenerKeepsItsAddress) {
  listeners_.StartAccepting();
  const net::Address address = (*net::ListenSocket::Create(*net::Address::FromIp("127.0.0.1", 0), {}))->local();
  const auto named = [&](const std::string& name) { return On(address, Listener(name, ", enable_reuse_port: false")); };
  EXPECT_EQ("", Update({named("old")}));
  // No worker has let go of it yet.
  EXPECT_EQ("", Update({named("new")}, {"old"}));
  EXPECT_TRUE(Active("new"));
  EXPECT_TRUE(Listens(address));
}

TEST_F(ListenerRegistryTest, WorkersServeOnceTheStartIsOver) {
  EXPECT_EQ(0, stats_.Find("listener_manager.workers_started"));
  listeners_.StartAccepting();
  EXPECT_EQ(1, stats_.Find("listener_manager.workers_started"));
}

TEST_F(ListenerRegistryTest, OneThatIsRemovedDrainsUntilItsWorkersLetGoOfIt) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({Listener("l"), TlsListener("warming", "own")}));
  EXPECT_EQ(0, stats_.Find("listener_manager.total_listeners_draining"));
  EXPECT_EQ("", Update({}, {"l", "warming"}));
  EXPECT_EQ(1, stats_.Find("listener_manager.total_listeners_draining"));
  workers_.Start();
  workers_.Stop();
  EXPECT_EQ(0, stats_.Find("listener_manager.total_listeners_draining"));
}

TEST_F(ListenerRegistryTest, WhatComesAfterTheEndOfListeningIsNotTaken) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({Listener("old"), TlsListener("warming", "own")}));
  const net::Address warming = AddressOf("warming");
  listeners_.StopListening(/*inbound_only=*/false);
  // No fault of the listener's: the control plane is not told of one.
  EXPECT_EQ("", Update({Listener("new"), Listener("old", ", per_connection_buffer_limit_bytes: 4096")}));
  EXPECT_EQ(Find("new").name, "");
  EXPECT_EQ(Find("old").active->buffer_limit, 1u << 20);
  EXPECT_EQ(stats_.Find("listener_manager.listener_added"), 2);
  SendCertificate("own");
  EXPECT_FALSE(Active("warming"));
  EXPECT_FALSE(Listens(warming));
}

TEST_F(ListenerRegistryTest, WhereOnlyInboundOnesEndOthersGoOn) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({Listener("out"), Listener("in", ", traffic_direction: INBOUND")}));
  const net::Address out = AddressOf("out");
  listeners_.StopListening(/*inbound_only=*/true);
  EXPECT_TRUE(Listens(out));
  EXPECT_EQ("", Update({Listener("later"), Listener("later_in", ", traffic_direction: INBOUND")}));
  EXPECT_TRUE(Active("later"));
  EXPECT_TRUE(Listens(AddressOf("later")));
  EXPECT_EQ(Find("later_in").name, "");
}

TEST_F(ListenerRegistryTest, AnUpdateThatLeavesItsTlsAloneDoesNotWait) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  SendCertificate("own");
  EXPECT_EQ("", Update({TlsListener("l", "own", true, ", per_connection_buffer_limit_bytes: 4096")}));
  EXPECT_EQ(0u, listeners_.warming());
  EXPECT_EQ(1u, secrets_.watchers("own"));
}

TEST_F(ListenerRegistryTest, OneThatIsRemovedIsNotWaitedFor) {
  listeners_.StartAccepting();
  EXPECT_EQ("", Update({TlsListener("l", "own")}));
  bool warm = false;
  listeners_.WhenWarm([&] { warm = true; });
  EXPECT_EQ("", Update({TlsListener("m", "other")}, {"l"}));
  EXPECT_FALSE(warm);
  EXPECT_EQ(0u, secrets_.watchers("own"));
  EXPECT_EQ("", Update({}, {"m"}));
  EXPECT_TRUE(warm);
}

TEST_F(ListenerRegistryTest, ASecretOfTheBootstrapMustBeThere) {
  listeners_.StartAccepting();
  EXPECT_EQ(
      "l: "
      "filter_chains[0].transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs[0].name: "
      "no secret of static_resources is named \"own\"; one by discovery needs sds_config",
      Update({TlsListener("l", "own", /*discovered=*/false)}));
  EXPECT_TRUE(listeners_.Entries().empty());
  EXPECT_EQ(1, stats_.Find("listener_manager.listener_create_failure"));
}

}  // namespace
}  // namespace nuncio::listener
