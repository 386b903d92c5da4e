// Programs that read x = inputs[i] and leave outputs[i], one i for each thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::test {

inline constexpr std::size_t kThreads = 96;  // of each block

/// `body` works on %x and %r; what is in %r at its end, or at STORE, is the output.
std::string kernel_around(const std::string& body);
/// Random numbers of every magnitude.
std::vector<std::uint32_t> random_inputs(std::size_t count, std::uint64_t seed);
std::vector<std::uint32_t> run(Gpu& gpu, Module& module, const std::vector<std::uint32_t>& inputs);

}  // namespace vgpu::software::test
