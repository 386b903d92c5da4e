// The circumstances that a program of the crowd test is started in.
#pragma once

#include <string>

namespace vgpu::crowd {

/// Changes the calling process, which is about to start the program. Throws std::system_error when that
/// cannot be done, and std::invalid_argument for a name that is none.
void apply_variant(const std::string& name);

}  // namespace vgpu::crowd
