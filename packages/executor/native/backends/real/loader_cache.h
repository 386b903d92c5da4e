// /etc/ld.so.cache: where the dynamic loader finds libraries that the system has installed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vgpu::executor {

/// The file's content; empty where there is none.
std::vector<std::byte> read_loader_cache();

/// The path of the first library of that name and of this machine's architecture; empty when there is none,
/// or when the content is no cache of glibc's format (1.1, since glibc 2.2) or damaged.
std::string find_in_loader_cache(std::span<const std::byte> cache, std::string_view name);

}  // namespace vgpu::executor
