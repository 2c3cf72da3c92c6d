#pragma once

#include <cstdint>

namespace nuncio {

// What the process uses, in bytes.
struct ProcessMemory {
  uint64_t allocated = 0;  // Handed out by the heap.
  uint64_t heap_size = 0;  // Held by the heap, free parts included.
  uint64_t physical = 0;   // Resident, as the kernel counts; 0 where /proc does not tell.
};

// Walks the heap's arenas: microseconds, not for the request path.
ProcessMemory ReadProcessMemory();

// Gives pages that the heap has free back to the kernel. Milliseconds where much was freed; takes the locks of all
// arenas, one after the other.
void ReturnFreedMemory();

}  // namespace nuncio
