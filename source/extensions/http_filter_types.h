#pragma once

#include "source/filter/http_filter_type.h"

namespace nuncio::extensions {

// The kinds of HTTP filters there are, but for the router. Any thread.
const filter::HttpFilterTypes& HttpFilterTypes();

}  // namespace nuncio::extensions
