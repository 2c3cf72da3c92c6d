#pragma once

#include <memory>

#include "source/filter/http_filter_factory.h"

namespace nuncio::extensions {

// Makes a worker's filter of what http_filter_types.h compiled. Worker thread.
std::unique_ptr<filter::HttpFilterFactory> MakeHttpFilterFactory(const filter::HttpFilterEntry& entry,
                                                                 const filter::HttpFilterServices& services);

}  // namespace nuncio::extensions
