#include "source/net/cares_resolver.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::net {
namespace {

absl::Status AresError(int status, std::string_view what) {
  return Unavailable(StrCat(what, ": ", ares_strerror(status)));
}

absl::Status InitLibrary() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status == ARES_SUCCESS ? absl::OkStatus() : AresError(status, "cannot set up DNS");
}

// The name is not there, or it has no address of this family: an answer, not a failure.
bool SaysNone(int status) { return status == ARES_ENODATA || status == ARES_ENOTFOUND; }

// No server answered.
bool SuggestsOtherServers(int status) { return status == ARES_ECONNREFUSED || status == ARES_ETIMEOUT; }

void AppendRecords(const ares_addrinfo& result, std::vector<DnsRecord>& out) {
  for (const ares_addrinfo_node* node = result.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    const Address address = Address::FromSockaddr(node->ai_addr, node->ai_addrlen).WithPort(0);
    const auto same = [&](const DnsRecord& record) { return record.address == address; };
    if (std::any_of(out.begin(), out.end(), same)) continue;
    out.push_back({address, std::chrono::seconds(std::max(node->ai_ttl, 0))});
  }
}

}  // namespace

// One Resolve, of one lookup or, where one family is preferred, up to two in turn.
class CaresResolver::Query final : public DnsQuery {
 public:
  Query(CaresResolver& resolver, const std::string& name, DnsLookupFamily family, DnsReceiver& receiver)
      : resolver_(resolver),
        name_(name),
        family_(family),
        receiver_(receiver),
        deliver_(Delegate<void()>::Bind<&Query::Deliver>(this)) {}
  ~Query() override;

  const std::string& name() const { return name_; }

  void Start() {
    switch (family_) {
      case DnsLookupFamily::kV4Only:
        return resolver_.Begin(*this, AF_INET);
      case DnsLookupFamily::kV6Only:
        return resolver_.Begin(*this, AF_INET6);
      case DnsLookupFamily::kAll:
        return resolver_.Begin(*this, AF_UNSPEC);
      case DnsLookupFamily::kAuto:
        second_family_ = AF_INET;
        return resolver_.Begin(*this, AF_INET6);
      case DnsLookupFamily::kV4Preferred:
        second_family_ = AF_INET6;
        return resolver_.Begin(*this, AF_INET);
    }
  }

  void OnDone(DnsAnswer answer) {
    const bool found = answer.ok() && !answer->empty();
    if (!found && second_family_ != AF_UNSPEC) {
      first_answer_ = std::move(answer);
      resolver_.Begin(*this, std::exchange(second_family_, AF_UNSPEC));
      return;
    }
    // That there is nothing is known only when both families said so.
    if (!found && !first_answer_.ok()) answer = std::move(first_answer_);
    answer_ = std::move(answer);
    resolver_.loop_.NextTurn(deliver_);
  }

 private:
  friend class CaresResolver;
  void Deliver() { receiver_.OnDnsAnswer(std::move(answer_)); }

  CaresResolver& resolver_;
  const std::string name_;
  const DnsLookupFamily family_;
  DnsReceiver& receiver_;
  event::TurnTask deliver_;
  int second_family_ = AF_UNSPEC;  // AF_UNSPEC: none.
  DnsAnswer first_answer_ = std::vector<DnsRecord>();
  DnsAnswer answer_ = std::vector<DnsRecord>();
  Lookup* lookup_ = nullptr;
};

// What c-ares holds: it cannot take back a single lookup, so this outlives a cancelled query.
struct CaresResolver::Lookup {
  CaresResolver& resolver;
  Query* query;  // Null: cancelled.
};

// A socket of c-ares on the loop.
class CaresResolver::Socket final : public event::FdHandler, public event::DeferredDeletable {
 public:
  Socket(CaresResolver& resolver, ares_socket_t fd) : resolver_(resolver), fd_(fd) {}

  // False where the loop cannot take it.
  bool Start() { return resolver_.loop_.RegisterReadOnly(fd_, *this, /*level=*/true) == 0; }
  void Want(bool readable, bool writable) {
    resolver_.loop_.Modify(fd_, *this, (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u));
  }
  void Stop() { resolver_.loop_.Unregister(fd_, *this); }
  void OnFdEvents(uint32_t events) override { resolver_.OnSocketEvents(fd_, events); }

 private:
  CaresResolver& resolver_;
  const ares_socket_t fd_;
};

CaresResolver::Query::~Query() {
  if (lookup_ != nullptr) lookup_->query = nullptr;
}

CaresResolver::CaresResolver(event::EventLoop& loop, DnsOptions options)
    : loop_(loop), options_(std::move(options)), timer_(loop, Delegate<void()>::Bind<&CaresResolver::OnTimer>(this)) {
  open_status_ = Open();
  if (!open_status_.ok()) NUNCIO_LOG(kDns, kError, ToStd(open_status_.message()));
}

CaresResolver::~CaresResolver() { Close(); }

absl::Status CaresResolver::Open() {
  absl::Status library = InitLibrary();
  if (!library.ok()) return library;
  ares_options options{};
  options.sock_state_cb = &CaresResolver::OnSocketState;
  options.sock_state_cb_data = this;
  options.timeout = static_cast<int>(std::chrono::milliseconds(options_.query_timeout).count());
  options.tries = static_cast<int>(options_.query_tries);
  int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
  if (options_.use_tcp) options.flags |= ARES_FLAG_USEVC;
  if (options_.no_search_domain) options.flags |= ARES_FLAG_NOSEARCH;
  if (options.flags != 0) mask |= ARES_OPT_FLAGS;
  const int status = ares_init_options(&channel_, &options, mask);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return AresError(status, "cannot set up a DNS resolver");
  }
  return SetServers();
}

absl::Status CaresResolver::SetServers() {
  if (options_.servers.empty()) return absl::OkStatus();
  std::string csv;
  for (const Address& server : options_.servers) {
    StrAppend(csv, csv.empty() ? "" : ",", server.WithPort(server.port() == 0 ? 53 : server.port()).ToString());
  }
  const int status = ares_set_servers_ports_csv(channel_, csv.c_str());
  return status == ARES_SUCCESS ? absl::OkStatus() : AresError(status, StrCat("cannot use the DNS servers ", csv));
}

void CaresResolver::Close() {
  // Lookups still under way end with ARES_EDESTRUCTION, and their sockets close.
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  timer_.Disarm();
}

std::unique_ptr<DnsQuery> CaresResolver::Resolve(const std::string& name, DnsLookupFamily family,
                                                 DnsReceiver& receiver) {
  if (!open_status_.ok() || (stale_ && lookups_ == 0 && options_.servers.empty())) {
    stale_ = false;
    Close();
    open_status_ = Open();
  }
  auto query = std::make_unique<Query>(*this, name, family, receiver);
  query->Start();
  return query;
}

void CaresResolver::Begin(Query& query, int family) {
  if (!open_status_.ok()) return query.OnDone(open_status_);
  auto* lookup = new Lookup{*this, &query};
  query.lookup_ = lookup;
  ++lookups_;
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  // In the servers' order: balancing is the cluster's business.
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_, query.name().c_str(), nullptr, &hints, &CaresResolver::OnLookupDone, lookup);
  ArmTimer();
}

void CaresResolver::OnLookupDone(void* arg, int status, int /*timeouts*/, ares_addrinfo* result) {
  const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(arg));
  CaresResolver& resolver = lookup->resolver;
  --resolver.lookups_;
  std::vector<DnsRecord> records;
  if (result != nullptr) {
    AppendRecords(*result, records);
    ares_freeaddrinfo(result);
  }
  if (SuggestsOtherServers(status)) resolver.stale_ = true;
  Query* query = lookup->query;
  if (query == nullptr) return;
  query->lookup_ = nullptr;
  if (status == ARES_EDESTRUCTION) return;
  if (status == ARES_SUCCESS || SaysNone(status)) return query->OnDone(std::move(records));
  query->OnDone(AresError(status, StrCat("DNS: ", query->name())));
}

void CaresResolver::OnSocketState(void* arg, ares_socket_t fd, int readable, int writable) {
  auto& resolver = *static_cast<CaresResolver*>(arg);
  auto it = resolver.sockets_.find(fd);
  if (readable == 0 && writable == 0) {
    if (it == resolver.sockets_.end()) return;
    it->second->Stop();
    // This may be the socket whose event is being handled.
    resolver.loop_.DeferDelete(std::move(it->second));
    resolver.sockets_.erase(it);
    return;
  }
  if (it == resolver.sockets_.end()) {
    auto socket = std::make_unique<Socket>(resolver, fd);
    // Without the loop the lookup runs into its time limit.
    if (!socket->Start()) return;
    it = resolver.sockets_.emplace(fd, std::move(socket)).first;
  }
  it->second->Want(readable != 0, writable != 0);
}

void CaresResolver::OnSocketEvents(ares_socket_t fd, uint32_t events) {
  const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool readable = failed || (events & (EPOLLIN | EPOLLRDHUP)) != 0;
  const bool writable = failed || (events & EPOLLOUT) != 0;
  ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  ArmTimer();
}

void CaresResolver::OnTimer() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  ArmTimer();
}

void CaresResolver::ArmTimer() {
  timeval storage;
  const timeval* next = ares_timeout(channel_, nullptr, &storage);
  if (next == nullptr) {
    timer_.Disarm();
    return;
  }
  // Rounded up, lest the timer fire just before c-ares thinks it is time.
  timer_.Arm(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec) +
             std::chrono::milliseconds(1));
}

}  // namespace nuncio::net
