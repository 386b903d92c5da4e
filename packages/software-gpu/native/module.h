// A loaded module and its kernels.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "execution/compiled/compilation.h"
#include "execution/decoder.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software {

class LoadedKernel final : public Kernel {
 public:
  /// `module_text` must live as long as this object.
  LoadedKernel(DecodedKernel decoded, std::string_view module_text, const ptx::Function& function,
               const DeviceLimits& limits, int ptx_version, int constant_bytes);

  [[nodiscard]] const std::string& name() const override { return decoded_.name; }
  [[nodiscard]] std::span<const KernelParameter> parameters() const override { return parameters_; }
  [[nodiscard]] std::size_t parameter_bytes() const override { return decoded_.parameter_bytes; }
  [[nodiscard]] const KernelAttributes& attributes() const override { return attributes_; }
  [[nodiscard]] bool prints() const override { return decoded_.prints; }
  [[nodiscard]] bool allocates() const override { return decoded_.allocates; }

  [[nodiscard]] std::size_t compiled_instructions() const override {
    return compilation_.compiled_instructions();
  }

  [[nodiscard]] const DecodedKernel& decoded() const { return decoded_; }
  [[nodiscard]] Compilation& compilation() const { return compilation_; }
  /// The PTX that it was decoded from.
  [[nodiscard]] std::string_view module_text() const { return module_text_; }
  /// .reqntid; 0 when absent.
  [[nodiscard]] const Dim3& required_block() const { return required_block_; }

 private:
  DecodedKernel decoded_;
  mutable Compilation compilation_{decoded_};  // a kernel is the same whether it is compiled or not
  std::string_view module_text_;
  std::vector<KernelParameter> parameters_;
  KernelAttributes attributes_{};
  Dim3 required_block_{0, 0, 0};
};

class TextModule final : public Module {
 public:
  /// Parses the declarations of `ptx` and places its variables in `memory`, the managed ones in `managed` if
  /// there is one; both must live longer.
  TextModule(std::string ptx, DeviceMemory& memory, ManagedMemory* managed, const DeviceLimits& limits,
             Invariants invariants);
  ~TextModule() override;
  TextModule(const TextModule&) = delete;
  TextModule& operator=(const TextModule&) = delete;

  [[nodiscard]] std::vector<std::string> kernel_names() const override;
  [[nodiscard]] bool has_kernel(std::string_view name) const override;
  const Kernel& kernel(std::string_view name) override;
  [[nodiscard]] std::optional<Global> global(std::string_view name) const override;
  [[nodiscard]] std::size_t decoded_kernels() const override;

 private:
  void check_target() const;
  void index_functions();
  Global allocate(const ptx::Variable& variable);
  void allocate_variables();
  void initialize_variables();
  [[nodiscard]] std::uint64_t address_of(std::string_view symbol, const ptx::Variable& user) const;
  void free_variables() noexcept;

  const std::string text_;  // the syntax tree points into it
  DeviceMemory& memory_;
  ManagedMemory* const managed_;
  const DeviceLimits& limits_;
  const Invariants invariants_;
  LoadedModule module_;
  std::map<std::string_view, std::uint32_t> kernels_;
  std::map<std::string_view, Global> globals_;
  int constant_bytes_ = 0;
  mutable std::mutex decoding_;
  std::map<std::uint32_t, std::unique_ptr<LoadedKernel>> decoded_;
};

}  // namespace vgpu::software
