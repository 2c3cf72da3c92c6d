#include "source/net/cares_resolver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <thread>

#include "gtest/gtest.h"

namespace nuncio::net {
namespace {

constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;

// A DNS server on UDP that knows a few names, on a thread of its own.
class FakeServer {
 public:
  struct Record {
    uint16_t type;
    std::string address;
    uint32_t ttl;
  };

  explicit FakeServer(std::multimap<std::string, Record> records) : records_(std::move(records)) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)));
    socklen_t length = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(0, pipe(stop_));
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeServer() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(fd_);
  }
  Address address() const { return *Address::FromIp("127.0.0.1", port_); }

 private:
  void Serve() {
    for (;;) {
      pollfd fds[2] = {{fd_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents != 0) return;
      unsigned char query[512];
      sockaddr_in from{};
      socklen_t length = sizeof(from);
      const ssize_t n = recvfrom(fd_, query, sizeof(query), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (n < 12) continue;
      const std::string answer = Answer(std::string(reinterpret_cast<char*>(query), static_cast<size_t>(n)));
      sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  std::string Answer(const std::string& query) const {
    std::string name;
    size_t at = 12;
    while (query[at] != 0) {
      if (!name.empty()) name += '.';
      const auto label = static_cast<size_t>(query[at]);
      name += query.substr(at + 1, label);
      at += label + 1;
    }
    const uint16_t type = static_cast<uint16_t>((static_cast<unsigned char>(query[at + 1]) << 8) |
                                                static_cast<unsigned char>(query[at + 2]));
    const std::string question = query.substr(12, at + 5 - 12);
    std::string records;
    uint16_t count = 0;
    const auto [begin, end] = records_.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      if (it->second.type != type) continue;
      ++count;
      unsigned char bytes[16];
      const size_t size = type == kTypeA ? 4 : 16;
      inet_pton(type == kTypeA ? AF_INET : AF_INET6, it->second.address.c_str(), bytes);
      records += std::string("\xc0\x0c", 2) + Word(type) + Word(1) + Word(it->second.ttl >> 16) +
                 Word(it->second.ttl & 0xffff) + Word(static_cast<uint32_t>(size)) +
                 std::string(reinterpret_cast<char*>(bytes), size);
    }
    // 3: no such name; 2: the server failed.
    const char code = name == "broken.test" ? 2 : begin == end ? 3 : 0;
    return query.substr(0, 2) + std::string{'\x84', code} + Word(1) + Word(count) + Word(0) + Word(0) + question +
           records;
  }

  static std::string Word(uint32_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  }

  const std::multimap<std::string, Record> records_;
  int fd_;
  uint16_t port_;
  int stop_[2];
  std::thread thread_;
};

class Receiver : public DnsReceiver {
 public:
  explicit Receiver(event::EventLoop& loop) : loop_(loop) {}
  void OnDnsAnswer(DnsAnswer answer) override {
    answer_ = std::move(answer);
    loop_.Exit();
  }
  std::optional<DnsAnswer> answer_;

 private:
  event::EventLoop& loop_;
};

class CaresResolverTest : public testing::Test {
 protected:
  CaresResolverTest()
      : server_({{"one.test", {kTypeA, "10.1.2.3", 300}},
                 {"both.test", {kTypeA, "10.0.0.1", 7}},
                 {"both.test", {kTypeA, "10.0.0.2", 9}},
                 {"both.test", {kTypeAaaa, "fd00::1", 60}}}) {
    options_.servers = {server_.address()};
    options_.query_tries = 1;
    options_.no_search_domain = true;
  }

  DnsAnswer Resolve(const std::string& name, DnsLookupFamily family) {
    CaresResolver resolver(loop_, options_);
    Receiver receiver(loop_);
    const auto query = resolver.Resolve(name, family, receiver);
    EXPECT_FALSE(receiver.answer_.has_value()) << "answered from within the call";
    loop_.Run();
    return std::move(*receiver.answer_);
  }

  std::vector<std::string> Addresses(const std::string& name, DnsLookupFamily family) {
    const DnsAnswer answer = Resolve(name, family);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::vector<std::string> out;
    if (answer.ok()) {
      for (const DnsRecord& record : *answer) out.push_back(record.address.IpText());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  event::EventLoop loop_;
  FakeServer server_;
  DnsOptions options_;
};

using Texts = std::vector<std::string>;

TEST_F(CaresResolverTest, AnswersCarryTheTimeToLive) {
  const DnsAnswer answer = Resolve("one.test", DnsLookupFamily::kV4Only);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(1u, answer->size());
  EXPECT_EQ("10.1.2.3", answer->front().address.IpText());
  EXPECT_EQ(0, answer->front().address.port());
  EXPECT_EQ(std::chrono::seconds(300), answer->front().ttl);
}

TEST_F(CaresResolverTest, FamiliesDecideWhatIsAskedFor) {
  EXPECT_EQ((Texts{"10.0.0.1", "10.0.0.2"}), Addresses("both.test", DnsLookupFamily::kV4Only));
  EXPECT_EQ((Texts{"fd00::1"}), Addresses("both.test", DnsLookupFamily::kV6Only));
  EXPECT_EQ((Texts{"fd00::1"}), Addresses("both.test", DnsLookupFamily::kAuto));
  EXPECT_EQ((Texts{"10.0.0.1", "10.0.0.2"}), Addresses("both.test", DnsLookupFamily::kV4Preferred));
  EXPECT_EQ((Texts{"10.0.0.1", "10.0.0.2", "fd00::1"}), Addresses("both.test", DnsLookupFamily::kAll));
}

TEST_F(CaresResolverTest, TheOtherFamilyServesWhereThePreferredHasNone) {
  EXPECT_EQ((Texts{"10.1.2.3"}), Addresses("one.test", DnsLookupFamily::kAuto));
  EXPECT_EQ((Texts{"10.1.2.3"}), Addresses("one.test", DnsLookupFamily::kV4Preferred));
  EXPECT_EQ(Texts{}, Addresses("one.test", DnsLookupFamily::kV6Only));
}

TEST_F(CaresResolverTest, ANameThatIsNotThereIsAnEmptyAnswer) {
  EXPECT_EQ(Texts{}, Addresses("absent.test", DnsLookupFamily::kAll));
  EXPECT_EQ(Texts{}, Addresses("absent.test", DnsLookupFamily::kAuto));
}

TEST_F(CaresResolverTest, AServersFailureIsAnErrorThatNamesTheName) {
  const DnsAnswer answer = Resolve("broken.test", DnsLookupFamily::kAuto);
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(std::string::npos, std::string(answer.status().message()).find("broken.test"));
}

TEST_F(CaresResolverTest, LiteralAddressesNeedNoServer) {
  EXPECT_EQ((Texts{"192.0.2.7"}), Addresses("192.0.2.7", DnsLookupFamily::kV4Only));
}

TEST_F(CaresResolverTest, AQueryDestroyedIsNotAnswered) {
  CaresResolver resolver(loop_, options_);
  Receiver cancelled(loop_);
  Receiver kept(loop_);
  auto query = resolver.Resolve("one.test", DnsLookupFamily::kV4Only, cancelled);
  const auto other = resolver.Resolve("both.test", DnsLookupFamily::kV4Only, kept);
  query.reset();
  loop_.Run();
  loop_.RunOnce();
  EXPECT_FALSE(cancelled.answer_.has_value());
  EXPECT_TRUE(kept.answer_.has_value());
}

TEST_F(CaresResolverTest, AResolverMayGoWithLookupsUnderWay) {
  Receiver receiver(loop_);
  {
    CaresResolver resolver(loop_, options_);
    auto query = resolver.Resolve("one.test", DnsLookupFamily::kV4Only, receiver);
    query.reset();
  }
  loop_.RunOnce();
  EXPECT_FALSE(receiver.answer_.has_value());
}

}  // namespace
}  // namespace nuncio::net
