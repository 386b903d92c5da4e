// A file that can be told from zeros.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "os/file.h"
#include "os/mapping.h"
#include "support.h"

namespace vgpu::test {

inline constexpr std::byte mark{0x5a};

inline std::size_t pages(std::size_t count) {
  return count * os::pageSize();
}

/** A file of some pages, all bytes marked, on disk. */
struct MarkedFile {
  explicit MarkedFile(std::size_t count) : file(os::File::createNew(directory.path("a"), 0600)) {
    const std::vector<std::byte> contents(pages(count), mark);
    file.write(0, contents);
    file.flush();
  }

  [[nodiscard]] std::byte at(std::uint64_t offset) const {
    std::array<std::byte, 1> byte{};
    REQUIRE(file.read(offset, byte) == 1);
    return byte[0];
  }

  TemporaryDirectory directory;
  os::File file;
};

}  // namespace vgpu::test
