// What is done to whole pages, differently on each system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace vgpu::os {

enum class Backing : std::uint8_t { file, none };

/**
 * Takes the memory of whole pages away. A file's have been written back, and are read again when they are
 * touched; others are zeros afterwards. Throws os::Error, also for pages that are pinned. `path` is for
 * messages.
 */
void freePages(std::span<std::byte> pages, Backing backing, const std::string& path);

/** Sets the lowest bit of each page's state if the page is in memory. Throws os::Error. */
void residency(std::span<std::byte> pages, std::span<unsigned char> states, const std::string& path);

}  // namespace vgpu::os
