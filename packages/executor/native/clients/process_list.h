// The clients as NVML lists them.
#pragma once

#include <cstddef>
#include <span>

#include "clients/client_table.h"

namespace vgpu::executor {

/// Fills the room with vgpu_device_process: the clients that are processes of this machine, then zeros. What
/// does not fit is left out. A null table lists nobody.
void list_processes(const ClientTable* table, std::span<std::byte> room);

}  // namespace vgpu::executor
