#include "source/base/process_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>

namespace nuncio {

ProcessMemory ReadProcessMemory() {
  ProcessMemory out;
  const struct mallinfo2 heap = mallinfo2();
  out.allocated = heap.uordblks + heap.hblkhd;
  out.heap_size = heap.arena + heap.hblkhd;
  if (FILE* file = fopen("/proc/self/statm", "re"); file != nullptr) {
    unsigned long long total = 0;
    unsigned long long resident = 0;
    if (fscanf(file, "%llu %llu", &total, &resident) == 2) {
      out.physical = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    }
    fclose(file);
  }
  return out;
}

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace nuncio
