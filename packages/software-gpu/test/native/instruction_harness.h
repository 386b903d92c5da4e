// Runs PTX on every build of the interpreter and compares what it leaves in memory with the reference.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "instruction_kernel.h"
#include "instruction_types.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::test {

/// The interpreter's builds that this processor can run, one Gpu each, and the widest once more under an
/// observer that changes nothing; kept for the whole run. Throws when a
/// Gpu answers with another path than the one asked for.
const std::vector<std::unique_ptr<Gpu>>& gpus();
std::string_view path_name(VectorPath path);

/// An allocation that lives as long as this object.
class DeviceBuffer {
 public:
  DeviceBuffer(Gpu& gpu, std::size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  [[nodiscard]] DeviceAddress address() const { return address_; }
  [[nodiscard]] std::span<std::byte> bytes();

  template <class T>
  [[nodiscard]] std::span<T> as() {
    return {reinterpret_cast<T*>(bytes().data()), bytes_ / sizeof(T)};
  }

 private:
  Gpu& gpu_;
  std::size_t bytes_;
  DeviceAddress address_;
};

/// Parameters in declaration order, each at its natural alignment.
class Parameters {
 public:
  template <class T>
  Parameters& add(T value) {
    const std::size_t offset = (bytes_.size() + alignof(T) - 1) / alignof(T) * alignof(T);
    bytes_.resize(offset + sizeof(T));
    std::memcpy(bytes_.data() + offset, &value, sizeof(T));
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::unique_ptr<Module> load(Gpu& gpu, std::string_view ptx);
LaunchStatistics launch(Gpu& gpu, const Kernel& kernel, Dim3 grid, Dim3 block, const Parameters& parameters,
                        std::uint32_t dynamic_shared_bytes = 0);

bool matches(Type type, const Expected& expected, std::uint64_t got);
std::string describe(Type type, const Expected& expected);
std::string hexadecimal(Type type, std::uint64_t bits);

struct RowResult {
  std::size_t inputs = 0;               // operand tuples, each run on every path and in every variant
  std::vector<std::string> mismatches;  // the first few, readable
  std::string refused;                  // the interpreter's words, when it does not support the form
};

/// Every variant of the row on every path.
RowResult run_row(const Row& row);

/// Runs the rows and reports through doctest: a mismatch fails, and so does a refusal unless the committed
/// list of refused forms names it. Prints the number of forms and inputs.
void check_rows(std::string_view family, const std::vector<Row>& rows);

struct Program;

/// Loads the program on every path and hands its kernel "test" to `check`. A refusal fails unless the
/// committed list of refused forms names the program.
void run_program(const Program& program, const std::function<void(Gpu& gpu, Module& module)>& check);

}  // namespace vgpu::software::test
