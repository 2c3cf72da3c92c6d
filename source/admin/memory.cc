#include <malloc.h>
#include <unistd.h>

#include <cstdio>

#include "source/admin/endpoints.h"
#include "source/base/strings.h"

namespace nuncio::admin {
namespace {

// Bytes that the kernel holds in memory for the process; 0 where /proc does not tell.
uint64_t ResidentBytes() {
  unsigned long long total = 0;
  unsigned long long resident = 0;
  FILE* file = fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const int read = fscanf(file, "%llu %llu", &total, &resident);
  fclose(file);
  return read == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

AdminAnswer AnswerMemory(AdminServices&, const AdminRequest&) {
  const struct mallinfo2 heap = mallinfo2();
  return JsonAnswer(StrCat("{\n \"allocated\": \"", heap.uordblks + heap.hblkhd, "\",\n \"heap_size\": \"",
                           heap.arena + heap.hblkhd, "\",\n \"total_physical_bytes\": \"", ResidentBytes(), "\"\n}\n"));
}

}  // namespace nuncio::admin
