#include "clients/process_list.h"

#include <algorithm>
#include <cstring>

#include "vgpu_protocol.h"

namespace vgpu::executor {

void list_processes(const ClientTable* table, std::span<std::byte> room) {
  std::fill(room.begin(), room.end(), std::byte{0});
  if (table == nullptr) return;
  const std::uint64_t now = monotonic_nanoseconds();
  for (const ClientRecord& record : table->records()) {
    if (room.size() < sizeof(vgpu_device_process)) return;
    if (!record.used.load() || !record.welcome.load() || !record.local.load()) continue;
    const vgpu_device_process process{.process_id = record.process_id.load(),
                                      .utilization = percent_of_second(record.busy.in_last_second(now)),
                                      .memory_bytes = record.memory_bytes.load()};
    if (process.process_id == 0) continue;
    std::memcpy(room.data(), &process, sizeof(process));
    room = room.subspan(sizeof(process));
  }
}

}  // namespace vgpu::executor
