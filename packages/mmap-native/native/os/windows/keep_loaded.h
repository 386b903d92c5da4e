// The addon and the time after it.
#pragma once

namespace vgpu::os {

/**
 * Keeps our code in memory until the process ends. Node unloads an addon with the last environment that uses
 * it, but exception handlers, and operations on other threads, may still be ours. Throws os::Error.
 */
void keepCodeLoaded();

}  // namespace vgpu::os
