#include "backends/software/device_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "backends/backend.h"
#include "backends/software/address_guard.h"

namespace vgpu::executor {
namespace {

constexpr std::uint64_t kPage = 4096;

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

[[noreturn]] void refuse(const std::string& message) {
  throw CallError(CUDA_ERROR_INVALID_VALUE, message);
}

void* pointer(std::uint64_t address) {
  return reinterpret_cast<void*>(address);
}

/// Makes the pages there private memory that reads as zero, or with PROT_NONE nothing at all.
void map_nothing(std::uint64_t address, std::uint64_t bytes, int protection) {
  const void* mapped = mmap(pointer(address), bytes, protection,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (mapped == MAP_FAILED) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY,
                    std::string("cannot set addresses aside: ") + std::strerror(errno));
  }
}

int protection_of(std::uint32_t access) {
  switch (access) {
    case CU_MEM_ACCESS_FLAGS_PROT_NONE:
      return PROT_NONE;
    case CU_MEM_ACCESS_FLAGS_PROT_READ:
      return PROT_READ;
    case CU_MEM_ACCESS_FLAGS_PROT_READWRITE:
      return PROT_READ | PROT_WRITE;
    default:
      refuse("memory access " + std::to_string(access));
  }
}

}  // namespace

PhysicalMemory::PhysicalMemory(std::uint64_t bytes, std::uint64_t& ledger)
    : file_(memfd_create("vgpu-device-memory", MFD_CLOEXEC)), bytes_(bytes), ledger_(ledger) {
  if (!file_ || ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY,
                    "cannot create " + std::to_string(bytes) + " bytes of memory: " + std::strerror(errno));
  }
  ledger_ += bytes_;
}

std::size_t DeviceSpace::address_bytes(std::size_t memory_bytes) {
  // Reserving addresses costs nothing, and programs reserve more than there is memory: llama.cpp 32 GiB.
  constexpr std::size_t kMost = std::size_t{64} << 30;
  return memory_bytes + std::min(kMost, 16 * memory_bytes);
}

DeviceSpace::DeviceSpace(software::DeviceMemory& memory, std::size_t memory_bytes, ClientAccount account)
    : memory_(memory), memory_bytes_(round_up(memory_bytes, kPage)), account_(account) {}

DeviceSpace::~DeviceSpace() {
  if (!reservations_.empty()) AddressGuard::disarm();
}

std::uint64_t DeviceSpace::used_bytes() const {
  return memory_.total_bytes() - memory_.free_bytes() - reserved_bytes_ + physical_bytes_;
}

std::uint64_t DeviceSpace::free_bytes() const {
  const std::uint64_t used = used_bytes();
  return used < memory_bytes_ ? std::min(memory_bytes_ - used, account_.free_memory()) : 0;
}

void DeviceSpace::claim(std::uint64_t bytes) {
  const std::uint64_t used = used_bytes();
  const bool within_limit = used <= memory_bytes_ && bytes <= memory_bytes_ - used;
  if (within_limit && account_.claim_memory(used + bytes)) return;
  throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::to_string(bytes) + " bytes asked for, " +
                                                std::to_string(free_bytes()) + " bytes free" +
                                                (within_limit ? ": other clients have the rest" : ""));
}

std::uint64_t DeviceSpace::allocate(std::uint64_t bytes) {
  if (bytes <= memory_bytes_) {
    claim(round_up(bytes, software::DeviceMemory::kAlignment));
  } else {
    claim(bytes);
  }
  return memory_.allocate(bytes);
}

const std::pair<const std::uint64_t, DeviceSpace::Reservation>* DeviceSpace::reservation_of(
    std::uint64_t address) const {
  const auto after = reservations_.upper_bound(address);
  if (after == reservations_.begin()) return nullptr;
  const auto& found = *std::prev(after);
  return address - found.first < found.second.bytes ? &found : nullptr;
}

const std::pair<const std::uint64_t, DeviceSpace::Mapping>* DeviceSpace::mapping_of(
    std::uint64_t address) const {
  const auto after = mappings_.upper_bound(address);
  if (after == mappings_.begin()) return nullptr;
  const auto& found = *std::prev(after);
  return address - found.first < found.second.bytes ? &found : nullptr;
}

bool DeviceSpace::is_reserved(std::uint64_t address) const {
  return reservation_of(address) != nullptr;
}

void DeviceSpace::require_access(std::uint64_t address, std::uint64_t bytes, std::uint32_t access) const {
  if (reservations_.empty() || reservation_of(address) == nullptr) return;
  for (std::uint64_t at = address; at - address < bytes;) {
    const auto* mapping = mapping_of(at);
    if (mapping == nullptr) refuse("a copy touches a reserved address that nothing is mapped to");
    if ((mapping->second.access & access) != access) refuse("a copy touches memory without access to it");
    at = mapping->first + mapping->second.bytes;
  }
}

std::span<std::byte> DeviceSpace::readable(std::uint64_t address, std::uint64_t bytes) {
  const auto range = memory_.bytes(address, bytes);
  require_access(address, bytes, CU_MEM_ACCESS_FLAGS_PROT_READ);
  return range;
}

std::span<std::byte> DeviceSpace::writable(std::uint64_t address, std::uint64_t bytes) {
  const auto range = memory_.bytes(address, bytes);
  require_access(address, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
  return range;
}

std::optional<software::Allocation> DeviceSpace::find(std::uint64_t address) const {
  if (const auto* mapping = mapping_of(address)) {
    return software::Allocation{mapping->first, mapping->second.bytes};
  }
  return is_reserved(address) ? std::nullopt : memory_.find(address);
}

std::uint64_t DeviceSpace::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  if (bytes == 0 || bytes % kGranularity != 0) {
    refuse("a reservation of " + std::to_string(bytes) + " bytes, no multiple of 2 MiB");
  }
  if (alignment != 0 && !std::has_single_bit(alignment)) {
    refuse("an alignment of " + std::to_string(alignment));
  }
  return reserve_range(bytes, std::max(alignment, kGranularity));
}

std::uint64_t DeviceSpace::reserve_range(std::uint64_t bytes, std::uint64_t unit) {
  if (bytes > memory_.total_bytes() || unit > memory_.total_bytes()) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, "a reservation of " + std::to_string(bytes) +
                                                  " bytes aligned to " + std::to_string(unit));
  }
  const std::uint64_t before = memory_.free_bytes();
  const std::uint64_t allocation = memory_.allocate(bytes + unit);
  const std::uint64_t base = round_up(allocation, unit);
  // All of it, the surplus at both ends included, except for pages that others have a part in.
  const std::uint64_t first = round_up(allocation, kPage);
  const std::uint64_t end = (allocation + bytes + unit) / kPage * kPage;
  try {
    map_nothing(first, end - first, PROT_NONE);
  } catch (const CallError&) {
    memory_.free(allocation);
    throw;
  }
  if (reservations_.empty()) AddressGuard::arm(memory_.base(), memory_.total_bytes());
  reserved_bytes_ += before - memory_.free_bytes();
  reservations_.emplace(base, Reservation{bytes, allocation, bytes + unit});
  return base;
}

void DeviceSpace::release(std::uint64_t address, std::uint64_t bytes) {
  const auto found = reservations_.find(address);
  if (found == reservations_.end() || found->second.bytes != bytes) refuse("no such reservation");
  const auto mapped = mappings_.lower_bound(address);
  if (mapped != mappings_.end() && mapped->first - address < bytes) {
    refuse("memory is still mapped into the reservation");
  }
  const Reservation& reservation = found->second;
  const std::uint64_t first = round_up(reservation.allocation, kPage);
  const std::uint64_t end = (reservation.allocation + reservation.allocation_bytes) / kPage * kPage;
  map_nothing(first, end - first, PROT_READ | PROT_WRITE);
  // Only advice, as for the rest of the device's memory.
  static_cast<void>(madvise(pointer(first), end - first, MADV_HUGEPAGE));
  const std::uint64_t before = memory_.free_bytes();
  memory_.free(reservation.allocation);
  reserved_bytes_ -= memory_.free_bytes() - before;
  reservations_.erase(found);
  if (reservations_.empty()) AddressGuard::disarm();
}

SharedMemory DeviceSpace::allocate_shared(std::uint64_t bytes) {
  // A size near the largest number would become a small one.
  const std::uint64_t size = bytes <= memory_bytes_ ? round_up(bytes, kPage) : bytes;
  claim(size);
  const auto physical = std::make_shared<PhysicalMemory>(size, physical_bytes_);
  const std::uint64_t address = reserve_range(size, kPage);
  const void* mapped =
      mmap(pointer(address), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, physical->descriptor(), 0);
  if (mapped == MAP_FAILED) {
    const std::string why = std::strerror(errno);
    release(address, size);
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, "cannot map memory: " + why);
  }
  mappings_.emplace(address, Mapping{size, physical, 0, CU_MEM_ACCESS_FLAGS_PROT_READWRITE});
  return {address, size, physical->descriptor()};
}

void DeviceSpace::free_shared(std::uint64_t address) {
  const std::uint64_t bytes = mappings_.at(address).bytes;
  unmap(address, bytes);
  release(address, bytes);
}

std::shared_ptr<PhysicalMemory> DeviceSpace::create(std::uint64_t bytes) {
  if (bytes == 0 || bytes % kGranularity != 0) {
    refuse("physical memory of " + std::to_string(bytes) + " bytes, no multiple of 2 MiB");
  }
  claim(bytes);
  return std::make_shared<PhysicalMemory>(bytes, physical_bytes_);
}

void DeviceSpace::map(std::uint64_t address, std::uint64_t bytes,
                      const std::shared_ptr<PhysicalMemory>& physical, std::uint64_t handle) {
  const auto* reservation = reservation_of(address);
  if (reservation == nullptr || bytes > reservation->second.bytes - (address - reservation->first)) {
    refuse("memory can be mapped only inside one reservation");
  }
  if (bytes == 0 || bytes % kGranularity != 0 || address % kGranularity != 0 || bytes > physical->bytes()) {
    refuse("a mapping of " + std::to_string(bytes) + " bytes of " + std::to_string(physical->bytes()));
  }
  const auto next = mappings_.lower_bound(address);
  if (mapping_of(address) != nullptr || (next != mappings_.end() && next->first - address < bytes)) {
    refuse("memory is mapped there already");
  }
  // Nobody has access before cuMemSetAccess gives it.
  const void* mapped =
      mmap(pointer(address), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, physical->descriptor(), 0);
  if (mapped == MAP_FAILED) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::string("cannot map memory: ") + std::strerror(errno));
  }
  mappings_.emplace(address, Mapping{bytes, physical, handle, CU_MEM_ACCESS_FLAGS_PROT_NONE});
}

std::pair<DeviceSpace::Mappings::iterator, DeviceSpace::Mappings::iterator> DeviceSpace::mappings_in(
    std::uint64_t address, std::uint64_t bytes) {
  const auto first = mappings_.find(address);
  auto last = first;
  std::uint64_t at = address;
  while (last != mappings_.end() && last->first == at && at - address < bytes) {
    at += last->second.bytes;
    ++last;
  }
  if (bytes == 0 || at - address != bytes) refuse("the range is not made up of whole mappings");
  return {first, last};
}

void DeviceSpace::unmap(std::uint64_t address, std::uint64_t bytes) {
  const auto [first, last] = mappings_in(address, bytes);
  map_nothing(address, bytes, PROT_NONE);
  mappings_.erase(first, last);
}

void DeviceSpace::set_access(std::uint64_t address, std::uint64_t bytes, std::uint32_t access) {
  const int protection = protection_of(access);
  const auto [first, last] = mappings_in(address, bytes);
  if (mprotect(pointer(address), bytes, protection) != 0) {
    throw CallError(CUDA_ERROR_OUT_OF_MEMORY, std::string("cannot give access: ") + std::strerror(errno));
  }
  for (auto mapping = first; mapping != last; ++mapping) mapping->second.access = access;
}

std::uint32_t DeviceSpace::access(std::uint64_t address) const {
  const auto* mapping = mapping_of(address);
  if (mapping == nullptr) refuse("nothing is mapped at the address");
  return mapping->second.access;
}

std::uint64_t DeviceSpace::handle_at(std::uint64_t address) const {
  const auto* mapping = mapping_of(address);
  if (mapping == nullptr) refuse("nothing is mapped at the address");
  return mapping->second.handle;
}

}  // namespace vgpu::executor
