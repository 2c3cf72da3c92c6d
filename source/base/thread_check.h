#pragma once

#include <pthread.h>

#include <cstdio>
#include <cstdlib>

namespace nuncio {

// Remembers the thread that first asked and, in builds without NDEBUG, ends the process where another one enters.
class ThreadCheck {
 public:
  void Rebind() { bound_ = false; }
  bool CalledOnOwner() {
    if (!bound_) {
      owner_ = pthread_self();
      bound_ = true;
    }
    return pthread_equal(owner_, pthread_self()) != 0;
  }

 private:
  bool bound_ = false;
  pthread_t owner_{};
};

}  // namespace nuncio

#ifdef NDEBUG
#define NUNCIO_CHECK_THREAD(check) static_cast<void>(check)
#define NUNCIO_ASSERT(condition) static_cast<void>(sizeof(condition))
#else
#define NUNCIO_CHECK_THREAD(check) NUNCIO_ASSERT((check).CalledOnOwner())
// A programmer's error, never a peer's or a configuration's. Compiled out of release builds.
#define NUNCIO_ASSERT(condition)                                                                  \
  do {                                                                                            \
    if (!(condition)) {                                                                           \
      fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition);           \
      abort();                                                                                    \
    }                                                                                             \
  } while (false)
#endif
