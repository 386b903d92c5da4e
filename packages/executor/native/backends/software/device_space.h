// The device's addresses: ordinary allocations within the device's memory, and reserved ranges that physical
// memory is mapped into (the driver API's virtual memory management).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "clients/client_account.h"
#include "support/file_descriptor.h"
#include "vgpu/software_gpu/device_memory.h"
#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::executor {

/// Physical memory, for as long as a handle or a mapping holds it.
class PhysicalMemory {
 public:
  /// Counts its bytes in `ledger`. Throws CallError with CUDA_ERROR_OUT_OF_MEMORY.
  PhysicalMemory(std::uint64_t bytes, std::uint64_t& ledger);
  ~PhysicalMemory() { ledger_ -= bytes_; }
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] int descriptor() const { return file_.get(); }

 private:
  FileDescriptor file_;
  std::uint64_t bytes_;
  std::uint64_t& ledger_;
};

/// Memory of a file that others may map too.
struct SharedMemory {
  std::uint64_t address;
  std::uint64_t bytes;  // whole pages
  int descriptor;       // valid until the memory is freed
};

/// Throws CallError or software::Error, and has then changed nothing. Not thread-safe.
class DeviceSpace {
 public:
  /// Sizes and addresses of physical memory are multiples of this.
  static constexpr std::uint64_t kGranularity = std::uint64_t{2} << 20;

  /// How many bytes of addresses a device with that much memory needs.
  static std::size_t address_bytes(std::size_t memory_bytes);

  /// `memory` has address_bytes(memory_bytes) bytes and outlives this.
  /// Memory is taken only with the account's consent.
  DeviceSpace(software::DeviceMemory& memory, std::size_t memory_bytes, ClientAccount account = {});
  ~DeviceSpace();
  DeviceSpace(const DeviceSpace&) = delete;
  DeviceSpace& operator=(const DeviceSpace&) = delete;

  [[nodiscard]] std::uint64_t total_bytes() const { return memory_bytes_; }
  [[nodiscard]] std::uint64_t used_bytes() const;
  /// What this client may still take, and others have not taken.
  [[nodiscard]] std::uint64_t free_bytes() const;
  /// Claims memory that is about to be taken. CUDA_ERROR_OUT_OF_MEMORY where there is not that much left.
  void claim(std::uint64_t bytes);

  std::uint64_t allocate(std::uint64_t bytes);
  void free(std::uint64_t address) { memory_.free(address); }

  /// As DeviceMemory::bytes(); in a reserved range the bytes must be mapped and accessible.
  std::span<std::byte> readable(std::uint64_t address, std::uint64_t bytes);
  std::span<std::byte> writable(std::uint64_t address, std::uint64_t bytes);

  /// For the memory checker, if there is one: it hears of what the host writes.
  void watch(software::MemoryChecker* checker) { checker_ = checker; }
  void note_written(std::uint64_t address, std::uint64_t bytes) {
    if (checker_ != nullptr) checker_->written(address, bytes);
  }

  /// The mapping or else the allocation that contains the address.
  [[nodiscard]] std::optional<software::Allocation> find(std::uint64_t address) const;
  [[nodiscard]] bool is_reserved(std::uint64_t address) const;

  std::uint64_t reserve(std::uint64_t bytes, std::uint64_t alignment);
  void release(std::uint64_t address, std::uint64_t bytes);
  SharedMemory allocate_shared(std::uint64_t bytes);
  void free_shared(std::uint64_t address);
  std::shared_ptr<PhysicalMemory> create(std::uint64_t bytes);
  /// `handle` is only remembered.
  void map(std::uint64_t address, std::uint64_t bytes, const std::shared_ptr<PhysicalMemory>& physical,
           std::uint64_t handle);
  void unmap(std::uint64_t address, std::uint64_t bytes);
  /// `access` is 0, 1 (read) or 3 (read and write), as CUmemAccess_flags.
  void set_access(std::uint64_t address, std::uint64_t bytes, std::uint32_t access);
  [[nodiscard]] std::uint32_t access(std::uint64_t address) const;
  /// The handle whose memory is mapped at the address.
  [[nodiscard]] std::uint64_t handle_at(std::uint64_t address) const;

 private:
  /// `unit` is a power of two, at least a page, and divides `bytes`.
  std::uint64_t reserve_range(std::uint64_t bytes, std::uint64_t unit);

  struct Mapping {
    std::uint64_t bytes;
    std::shared_ptr<PhysicalMemory> physical;
    std::uint64_t handle;
    std::uint32_t access;
  };
  struct Reservation {
    std::uint64_t bytes;
    std::uint64_t allocation;  // what was taken from the device's addresses, for the sake of the alignment
    std::uint64_t allocation_bytes;
  };
  using Mappings = std::map<std::uint64_t, Mapping>;

  [[nodiscard]] const std::pair<const std::uint64_t, Reservation>* reservation_of(
      std::uint64_t address) const;
  [[nodiscard]] const std::pair<const std::uint64_t, Mapping>* mapping_of(std::uint64_t address) const;
  void require_access(std::uint64_t address, std::uint64_t bytes, std::uint32_t access) const;
  /// The mappings that make up exactly this range.
  std::pair<Mappings::iterator, Mappings::iterator> mappings_in(std::uint64_t address, std::uint64_t bytes);

  software::DeviceMemory& memory_;
  software::MemoryChecker* checker_ = nullptr;
  std::uint64_t memory_bytes_;
  ClientAccount account_;
  std::uint64_t reserved_bytes_ = 0;  // addresses, not memory
  std::uint64_t physical_bytes_ = 0;
  std::map<std::uint64_t, Reservation> reservations_;
  Mappings mappings_;
};

}  // namespace vgpu::executor
