#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Early return of errors. `expr` is evaluated once.
#define NUNCIO_RETURN_IF_ERROR(expr)                      \
  do {                                                    \
    if (absl::Status nuncio_status_ = (expr); !nuncio_status_.ok()) return nuncio_status_; \
  } while (false)

#define NUNCIO_STATUS_CONCAT_INNER_(x, y) x##y
#define NUNCIO_STATUS_CONCAT_(x, y) NUNCIO_STATUS_CONCAT_INNER_(x, y)

// NUNCIO_ASSIGN_OR_RETURN(auto value, Compute());
#define NUNCIO_ASSIGN_OR_RETURN(lhs, expr) \
  NUNCIO_ASSIGN_OR_RETURN_INNER_(NUNCIO_STATUS_CONCAT_(nuncio_or_, __LINE__), lhs, expr)
#define NUNCIO_ASSIGN_OR_RETURN_INNER_(tmp, lhs, expr) \
  auto tmp = (expr);                                   \
  if (!tmp.ok()) return std::move(tmp).status();       \
  lhs = *std::move(tmp)
