#include "source/filter/http_filter_chain.h"

namespace nuncio::filter {
namespace {

HttpFilterSlot* Room(Arena& arena, size_t slots) {
  return static_cast<HttpFilterSlot*>(arena.Allocate(sizeof(HttpFilterSlot) * slots, alignof(HttpFilterSlot)));
}

}  // namespace

FilterChoice ChooseFilter(const HttpFilterEntry& entry, const route::Decision& decision) {
  FilterChoice choice;
  choice.enabled = !entry.disabled;
  bool decided = false;
  const auto ask = [&](const route::PerFilterConfigs* configs) {
    if (configs == nullptr) return;
    const route::PerFilterConfig* config = route::FindPerFilterConfig(*configs, entry.name);
    if (config == nullptr) return;
    if (!decided) {
      decided = true;
      choice.enabled = !config->disabled;
    }
    if (choice.settings == nullptr && config->filter_type == entry.type) choice.settings = config->settings.get();
  };
  // From the most specific to the least.
  if (decision.weighted_cluster != nullptr) ask(decision.weighted_cluster->per_filter.get());
  if (decision.route != nullptr) ask(decision.route->per_filter.get());
  if (decision.virtual_host != nullptr) ask(decision.virtual_host->per_filter());
  if (decision.table != nullptr) ask(decision.table->per_filter());
  return choice;
}

HttpFilterChain::HttpFilterChain(HttpFilterEnds& ends, Arena& arena, buffer::SlicePool& slices, size_t max_filters,
                                 uint32_t limit)
    : ends_(ends),
      arena_(arena),
      slices_(slices),
      slots_(Room(arena, max_filters)),
      request_(ends, slots_, slices, limit),
      response_(ends, slots_, slices, limit) {}

HttpFilterChain::~HttpFilterChain() {
  for (size_t i = size_; i-- > 0;) {
    if (slots_[i].filter != nullptr) slots_[i].filter->~HttpFilter();
    slots_[i].~HttpFilterSlot();
  }
}

void HttpFilterChain::Add(HttpFilterFactory& factory, const route::FilterSettings* settings) {
  auto* slot = new (slots_ + size_) HttpFilterSlot(*this, settings, slices_);
  ++size_;
  slot->filter = factory.Create(slot->handle, arena_);
  request_.set_size(size_);
  response_.set_size(size_);
}

void HttpFilterChain::OnInformational(http::ResponseHead& head) {
  for (size_t i = size_; i-- > 0;) {
    slots_[i].filter->OnInformational(head);
    if (response_.closed()) return;
  }
  ends_.OnFilteredInformational(head);
}

void HttpFilterChain::End() {
  request_.Close();
  response_.Close();
  for (size_t i = 0; i < size_; ++i) slots_[i].filter->OnStreamEnd();
}

void HttpFilterHandle::ResumeRequest() { chain_.request_.Resume(slot_); }
void HttpFilterHandle::ResumeResponse() { chain_.response_.Resume(slot_); }
void HttpFilterHandle::SendLocalReply(const LocalReply& reply) { chain_.ends_.SendLocalReply(reply); }
void HttpFilterHandle::SetRequestBufferLimit(uint32_t bytes) { chain_.request_.set_limit(bytes); }
access_log::StreamInfo& HttpFilterHandle::info() const { return chain_.ends_.info(); }
const route::Decision& HttpFilterHandle::decision() const { return chain_.ends_.decision(); }
Arena& HttpFilterHandle::arena() const { return chain_.arena_; }
buffer::SlicePool& HttpFilterHandle::slices() const { return chain_.slices_; }

}  // namespace nuncio::filter
