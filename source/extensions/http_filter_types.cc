#include "source/extensions/http_filter_types.h"

namespace nuncio::extensions {

const filter::HttpFilterTypes& HttpFilterTypes() {
  static const filter::HttpFilterTypes types({});
  return types;
}

}  // namespace nuncio::extensions
