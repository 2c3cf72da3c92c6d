#include "source/extensions/http_filter_registry.h"

namespace nuncio::extensions {

std::unique_ptr<filter::HttpFilterFactory> MakeHttpFilterFactory(const filter::HttpFilterEntry&,
                                                                 const filter::HttpFilterServices&) {
  return nullptr;
}

}  // namespace nuncio::extensions
