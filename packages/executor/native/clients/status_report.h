// What the executor says about itself and its clients, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "clients/client_table.h"

namespace vgpu::executor {

/// For a worker, whose parent is the daemon. packages/executor/src/status.ts says what the fields mean.
std::string status_report(const ClientTable& table, std::string_view backend);

/// `text` as a JSON string with its quotes. What is not UTF-8 becomes '?'.
std::string json_string(std::string_view text);

}  // namespace vgpu::executor
