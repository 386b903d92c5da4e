// The functions that CUDA gives to kernels: printf, assert, malloc and free.
#include <cstdio>
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"
#include "execution/device_printf.h"
#include "vgpu/software_gpu/device_runtime.h"

namespace vgpu::software {
namespace {

template <class F>
void for_each_lane(const Warp* warp, F action) {
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1)
    action(static_cast<std::uint32_t>(__builtin_ctz(lanes)));
}

/// One lane's argument in the region at `offset`.
template <class T>
T argument(const Warp* warp, std::uint32_t offset, std::uint32_t lane) {
  return frame_row<const T>(warp, offset)[lane];
}

template <class T>
void give_result(const Instruction* in, const Warp* warp, std::uint32_t lane, T value) {
  if (in->destination != kNoRegion) frame_row<T>(warp, in->destination)[lane] = value;
}

std::string device_string(const Instruction* in, Warp* warp, std::uint32_t lane, std::uint64_t address) {
  constexpr std::size_t kLongest = 1 << 20;
  std::string text;
  for (; text.size() < kLongest; ++address) {
    const auto character = static_cast<char>(*resolve_address(in, warp, lane, Space::generic, address, 1, 1));
    if (character == '\0') break;
    text += character;
  }
  return text;
}

std::uint64_t number_of(const Block& block) {
  const Dim3& grid = block.launch->configuration.grid;
  return block.index[0] + std::uint64_t{grid.x} * (block.index[1] + std::uint64_t{grid.y} * block.index[2]);
}

const Instruction* run_device_printf(const Instruction* in, Warp* warp) {
  const Block& block = *warp->block;
  for_each_lane(warp, [&](std::uint32_t lane) {
    const auto format = argument<std::uint64_t>(warp, in->a, lane);
    if (format == 0) {
      give_result(in, warp, lane, std::int32_t{-1});
      return;
    }
    const auto packed = argument<std::uint64_t>(warp, in->b, lane);
    const PrintfMemory memory{
        .argument =
            [&](std::uint64_t offset, void* to, std::size_t bytes) {
              const auto width = static_cast<std::uint32_t>(bytes);
              std::memcpy(to, resolve_address(in, warp, lane, Space::generic, packed + offset, width, width),
                          bytes);
            },
        .string = [&](std::uint64_t address) { return device_string(in, warp, lane, address); }};
    FormattedText formatted = format_device_printf(device_string(in, warp, lane, format), memory);
    give_result(in, warp, lane, std::int32_t{formatted.arguments});
    block.launch->runtime->output.write(number_of(block), DeviceOutput::Stream::output,
                                        std::move(formatted.text));
  });
  return in + 1;
}

/// As CUDA's own driver prints it.
std::string assertion_text(const Block& block, std::uint32_t thread, const std::string& place,
                           const std::string& message) {
  const Dim3& size = block.launch->configuration.block;
  char where[128];
  std::snprintf(where, sizeof where, ": block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `", block.index[0],
                block.index[1], block.index[2], thread % size.x, thread / size.x % size.y,
                thread / size.x / size.y);
  return place + where + message + "` failed.\n";
}

const Instruction* run_assert_fail(const Instruction* in, Warp* warp) {
  const Block& block = *warp->block;
  const auto string = [&](std::uint32_t region, std::uint32_t lane) {
    return device_string(in, warp, lane, argument<std::uint64_t>(warp, region, lane));
  };
  const auto place = [&](std::uint32_t lane) {
    return string(in->b, lane) + ":" + std::to_string(argument<std::uint32_t>(warp, in->c, lane)) + ": " +
           string(in->d, lane);
  };
  for_each_lane(warp, [&](std::uint32_t lane) {
    const std::uint32_t thread = scheduled(warp)->number * kLanes + lane;
    block.launch->runtime->output.write(number_of(block), DeviceOutput::Stream::error,
                                        assertion_text(block, thread, place(lane), string(in->a, lane)));
  });
  const auto first = static_cast<std::uint32_t>(__builtin_ctz(warp->active));
  fail(Status::assert_failed, in, warp, first,
       "assertion '" + string(in->a, first) + "' failed at " + place(first));
}

void allocate(const Instruction* in, Warp* warp, bool aligned) {
  for_each_lane(warp, [&](std::uint32_t lane) {
    const auto bytes = argument<std::uint64_t>(warp, in->a, lane);
    const std::uint64_t alignment =
        aligned ? argument<std::uint64_t>(warp, in->b, lane) : DeviceHeap::kAlignment;
    const bool is_power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
    give_result(in, warp, lane,
                is_power_of_two ? warp->block->launch->runtime->heap.allocate(bytes, alignment) : 0);
  });
}

const Instruction* run_heap_allocate(const Instruction* in, Warp* warp) {
  allocate(in, warp, false);
  return in + 1;
}

const Instruction* run_heap_allocate_aligned(const Instruction* in, Warp* warp) {
  allocate(in, warp, true);
  return in + 1;
}

const Instruction* run_heap_free(const Instruction* in, Warp* warp) {
  for_each_lane(warp, [&](std::uint32_t lane) {
    const auto address = argument<std::uint64_t>(warp, in->a, lane);
    if (address == 0 || warp->block->launch->runtime->heap.free(address)) return;
    fail(Status::launch_failed, in, warp, lane,
         "free of " + std::to_string(address) + ", which malloc did not return or which is free already");
  });
  return in + 1;
}

}  // namespace

void add_runtime_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::assert_fail)] = run_assert_fail;
  table[static_cast<std::uint16_t>(Operation::device_printf)] = run_device_printf;
  table[static_cast<std::uint16_t>(Operation::heap_allocate)] = run_heap_allocate;
  table[static_cast<std::uint16_t>(Operation::heap_allocate_aligned)] = run_heap_allocate_aligned;
  table[static_cast<std::uint16_t>(Operation::heap_free)] = run_heap_free;
}

}  // namespace vgpu::software
