#include "source/tls/client_sessions.h"

#include <utility>

#include "source/tls/client_context.h"

namespace nuncio::tls {

void ClientSessions::Adopt(const ClientContext& context) {
  if (context_ == context.id()) return;
  sessions_.clear();
  context_ = context.id();
}

bssl::UniquePtr<SSL_SESSION> ClientSessions::Take(const ClientContext& context, std::string_view host) {
  Adopt(context);
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (it->host != host) continue;
    if (SSL_SESSION_should_be_single_use(it->session.get())) {
      bssl::UniquePtr<SSL_SESSION> session = std::move(it->session);
      sessions_.erase(it);
      return session;
    }
    sessions_.splice(sessions_.begin(), sessions_, it);
    return bssl::UpRef(it->session);
  }
  return nullptr;
}

void ClientSessions::Put(const ClientContext& context, std::string_view host, bssl::UniquePtr<SSL_SESSION> session) {
  if (context.max_sessions() == 0) return;
  Adopt(context);
  sessions_.push_front({std::string(host), std::move(session)});
  size_t of_host = 0;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    if (it->host == host && ++of_host > context.max_sessions()) {
      it = sessions_.erase(it);
    } else {
      ++it;
    }
  }
  if (sessions_.size() > kMax) sessions_.pop_back();
}

}  // namespace nuncio::tls
