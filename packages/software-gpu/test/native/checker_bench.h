// A GPU under the memory checker, for its tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "instruction_harness.h"
#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::software::test {

inline constexpr std::size_t kBufferBytes = 512;

inline MemoryCheckerOptions all_checks() {
  MemoryCheckerOptions options;
  options.memory = options.races = options.initialization = options.synchronization = true;
  return options;
}

/// A GPU under the checker with a buffer of 512 bytes that a copy has filled. Launches name the parameter
/// `buffer`.
class Bench {
 public:
  explicit Bench(MemoryCheckerOptions options = all_checks(), unsigned threads = 1)
      : checker_(MemoryChecker::create(std::move(options))) {
    GpuOptions gpu;
    gpu.memory_bytes = std::size_t{16} << 20;
    gpu.threads = threads;
    gpu.observer = &checker_->observer();
    gpu.guarded_memory = true;
    gpu_ = Gpu::create(gpu);
    checker_->watch(gpu_->memory());
    buffer = allocate(kBufferBytes);
    checker_->written(buffer, kBufferBytes);
  }

  DeviceAddress allocate(std::size_t bytes, bool initialized = false) {
    const DeviceAddress address = gpu_->memory().allocate(bytes);
    checker_->allocated(address, bytes, initialized);
    return address;
  }
  void free(DeviceAddress address) {
    checker_->freed(address);
    gpu_->memory().free(address);
  }

  /// The status of a launch of a kernel with this body, 32 threads a warp.
  Status run(const std::string& body, std::uint32_t threads = 32, DeviceAddress parameter = 0,
             std::uint32_t blocks = 1) {
    const auto module =
        load(*gpu_,
             ".version 8.0\n.target sm_80\n.address_size 64\n"
             ".visible .entry test(.param .u64 buffer)\n{\n"
             "  .reg .pred %p<9>;\n  .reg .b16 %h<9>;\n  .reg .b32 %r<20>;\n  .reg .b64 %d<20>;\n"
             "  mov.u32 %r1, %tid.x;\n  ld.param.u64 %d1, [buffer];\n" +
                 body + "}\n");
    try {
      launch(*gpu_, module->kernel("test"), {blocks}, {threads},
             Parameters().add(parameter == 0 ? buffer : parameter));
      return Status::success;
    } catch (const Error& caught) {
      error = caught.what();
      return caught.status();
    }
  }

  [[nodiscard]] std::vector<Finding> findings() const { return checker_->findings(); }
  /// "memory/out-of-bounds×3 …", of all findings.
  [[nodiscard]] std::string kinds() const {
    std::string text;
    for (const Finding& finding : findings()) {
      text += (text.empty() ? "" : " ") + finding.check + "/" + finding.kind;
      if (finding.count != 1) text += "x" + std::to_string(finding.count);
    }
    return text;
  }
  [[nodiscard]] Finding only() const {
    const std::vector<Finding> all = findings();
    REQUIRE(all.size() == 1);
    return all.front();
  }
  MemoryChecker& checker() { return *checker_; }

  DeviceAddress buffer = 0;
  std::string error;

 private:
  std::unique_ptr<MemoryChecker> checker_;
  std::unique_ptr<Gpu> gpu_;
};

/// The kernel's body begins on line 12.
inline constexpr std::uint32_t kFirstLine = 12;

}  // namespace vgpu::software::test
