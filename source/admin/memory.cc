#include "source/admin/endpoints.h"
#include "source/base/process_memory.h"
#include "source/base/strings.h"

namespace nuncio::admin {

AdminAnswer AnswerMemory(AdminServices&, const AdminRequest&) {
  const ProcessMemory memory = ReadProcessMemory();
  return JsonAnswer(StrCat("{\n \"allocated\": \"", memory.allocated, "\",\n \"heap_size\": \"", memory.heap_size,
                           "\",\n \"total_physical_bytes\": \"", memory.physical, "\"\n}\n"));
}

}  // namespace nuncio::admin
