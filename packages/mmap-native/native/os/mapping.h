// A range of a file, or of memory without one, in the address space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "file.h"

namespace vgpu::os {

enum class Advice : std::uint8_t { normal, sequential, random };

/** How the bytes of a mapping relate to the file. */
enum class Sharing : std::uint8_t {
  /** What is written reaches the file. */
  shared,
  /** What is written stays in this process: a stray write does no harm, where a read-only mapping would kill.
   */
  copyOnWrite,
};

/**
 * Owns the pages. Offsets and lengths are relative to the mapping's first byte; ranges that change pages are
 * rounded as each function says. Functions may be called from any thread; all but the destructor throw
 * os::Error.
 */
class Mapping {
 public:
  /** `offset` is a multiple of mappingGranularity(); the range lies inside the file. */
  static Mapping ofFile(const File& file, std::uint64_t offset, std::size_t length, Sharing sharing);
  /** Zeroed memory of this process alone, taken from the system page by page as it is touched. */
  static Mapping anonymous(std::size_t length);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

  /** Writes the range back, rounded outwards. Durable only after File::flush() as well. */
  void writeBack(std::size_t offset, std::size_t length);
  /**
   * Frees the memory of the pages wholly inside the range, the last page included when the range reaches the
   * end of the mapping. A file's data stay (they are written back first, and the page cache keeps them: see
   * File::dropCache); anonymous memory reads as zero afterwards.
   */
  void discard(std::size_t offset, std::size_t length);
  void advise(Advice advice, std::size_t offset, std::size_t length);
  /** Starts reading ahead. */
  void prefetch(std::size_t offset, std::size_t length) const;
  /** Bytes of the range, rounded outwards to pages, that are in memory: the page cache's included on Linux.
   */
  [[nodiscard]] std::uint64_t residentBytes(std::size_t offset, std::size_t length) const;
  /** Keeps the pages of the range in memory until unpin() or the end. */
  void pin(std::size_t offset, std::size_t length);
  void unpin(std::size_t offset, std::size_t length);

  /** True once an access found the file shorter than the mapping, or unreadable: the bytes are zeros since
   * then. */
  [[nodiscard]] bool faulted() const noexcept;

 private:
  struct State;
  Mapping(std::span<std::byte> bytes, std::unique_ptr<State> state) noexcept;

  std::span<std::byte> bytes_;
  // What the implementation needs besides the address.
  std::unique_ptr<State> state_;
};

/** Grows with each fault of a mapping of this process: as long as it is the same, no mapping needs to be
 * asked. */
[[nodiscard]] std::uint64_t faultCount() noexcept;

/** Pages are rounded to this. */
[[nodiscard]] std::size_t pageSize() noexcept;
/** Offsets of mappings are multiples of this: the page size, on Windows 64 KiB. */
[[nodiscard]] std::size_t mappingGranularity() noexcept;

}  // namespace vgpu::os
