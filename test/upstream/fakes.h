#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/config/subscription.h"
#include "source/net/dns_resolver.h"

// What stands for the outside world: DNS and the control plane, both answering when the test says.
namespace nuncio::upstream {

class FakeDns {
 public:
  struct Question {
    std::string name;
    net::DnsLookupFamily family;
    net::DnsReceiver* receiver;  // Null: cancelled.
  };

  net::DnsResolverFactory factory() {
    return [this](const net::DnsOptions& options) {
      created.push_back(options);
      return std::make_unique<Resolver>(*this);
    };
  }

  // Answers the oldest question still open; `addresses` as "10.0.0.1".
  void Answer(const std::vector<std::string>& addresses, std::chrono::seconds ttl = std::chrono::seconds(0)) {
    std::vector<net::DnsRecord> records;
    for (const std::string& text : addresses) records.push_back({*net::Address::FromIp(text, 0), ttl});
    Take().receiver->OnDnsAnswer(std::move(records));
  }
  void Fail() { Take().receiver->OnDnsAnswer(absl::UnavailableError("no server answered")); }

  size_t open() {
    DropCancelled();
    return questions_.size();
  }
  const Question& next() {
    DropCancelled();
    return *questions_.front();
  }

  std::vector<net::DnsOptions> created;

 private:
  class Query : public net::DnsQuery {
   public:
    explicit Query(std::shared_ptr<Question> question) : question_(std::move(question)) {}
    ~Query() override { question_->receiver = nullptr; }

   private:
    const std::shared_ptr<Question> question_;
  };
  class Resolver : public net::DnsResolver {
   public:
    explicit Resolver(FakeDns& dns) : dns_(dns) {}
    std::unique_ptr<net::DnsQuery> Resolve(const std::string& name, net::DnsLookupFamily family,
                                           net::DnsReceiver& receiver) override {
      auto question = std::make_shared<Question>(Question{name, family, &receiver});
      dns_.questions_.push_back(question);
      return std::make_unique<Query>(question);
    }

   private:
    FakeDns& dns_;
  };

  void DropCancelled() {
    while (!questions_.empty() && questions_.front()->receiver == nullptr) questions_.pop_front();
  }
  Question Take() {
    DropCancelled();
    Question question = *questions_.front();
    questions_.pop_front();
    return question;
  }

  std::deque<std::shared_ptr<Question>> questions_;
};

// Does a job for other threads at once, here.
inline void RunHere(const std::function<std::function<void()>()>& job) { job()(); }

class FakeSubscriptions : public config::SubscriptionFactory {
 public:
  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource&, const config::ResourceType&,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override {
    asked.push_back(names.names.front());
    watchers_[names.names.front()].push_back(&watcher);
    return std::make_unique<Handle>(*this, names.names.front(), watcher);
  }

  // To all who watch the name.
  void Send(const std::string& name, std::shared_ptr<const config::CompiledResource> resource,
            const std::string& version = "1") {
    config::ResourceUpdate update{version, {{name, version, std::move(resource), nullptr}}, {}};
    for (config::ResourceWatcher* watcher : std::vector(watchers_[name])) {
      config::UpdateResult result;
      watcher->OnUpdate(update, result);
      const config::SubscriptionEvent taken{config::SubscriptionEvent::Kind::kTaken, version,
                                            std::chrono::system_clock::now(), std::chrono::nanoseconds(0)};
      watcher->OnSubscriptionEvents({&taken, 1});
    }
  }
  void FailFirst(const std::string& name, config::FetchFailure failure) {
    for (config::ResourceWatcher* watcher : std::vector(watchers_[name])) {
      watcher->OnFirstFetchFailed(failure, "told by test");
      if (failure != config::FetchFailure::kTimedOut) continue;
      const config::SubscriptionEvent timed_out{config::SubscriptionEvent::Kind::kTimedOut};
      watcher->OnSubscriptionEvents({&timed_out, 1});
    }
  }
  size_t watchers(const std::string& name) { return watchers_[name].size(); }

  std::vector<std::string> asked;

 private:
  class Handle : public config::Subscription {
   public:
    Handle(FakeSubscriptions& owner, std::string name, config::ResourceWatcher& watcher)
        : owner_(owner), name_(std::move(name)), watcher_(watcher) {}
    ~Handle() override { std::erase(owner_.watchers_[name_], &watcher_); }
    void UpdateNames(std::vector<std::string>) override {}

   private:
    FakeSubscriptions& owner_;
    const std::string name_;
    config::ResourceWatcher& watcher_;
  };

  std::map<std::string, std::vector<config::ResourceWatcher*>> watchers_;
};

}  // namespace nuncio::upstream
