// How long a module image is, found from the image alone.
#include <doctest/doctest.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "peer.h"

extern "C" {
#include "driver/image.h"
}

namespace vgpu::test {
namespace {

/// Memory that ends where an unreadable page begins: reading one byte too far crashes.
class GuardedBytes {
 public:
  explicit GuardedBytes(const Bytes& content) : size_(content.size()) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t pages = (content.size() + page - 1) / page * page;
    mapped_ = pages + page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base_ != MAP_FAILED);
    REQUIRE(mprotect(base_ + pages, page, PROT_NONE) == 0);
    start_ = base_ + pages - content.size();
    std::copy(content.begin(), content.end(), start_);
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  [[nodiscard]] const void* data() const { return start_; }

 private:
  std::size_t size_;
  std::size_t mapped_;
  std::byte* base_;
  std::byte* start_;
};

Bytes text(const std::string& content) {
  Bytes bytes(content.size() + 1);
  std::memcpy(bytes.data(), content.c_str(), bytes.size());
  return bytes;
}

Bytes fat_binary(std::uint16_t header_bytes, std::uint64_t content_bytes, std::size_t actual_bytes) {
  Bytes bytes = packed(std::uint32_t{0xba55ed50}, std::uint16_t{1}, header_bytes, content_bytes);
  bytes.resize(actual_bytes);
  return bytes;
}

Bytes cubin(Elf64_Off section_offset, std::uint64_t section_bytes, Elf64_Word type) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = 190;  // EM_CUDA
  header.e_shoff = sizeof header;
  header.e_shnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  Elf64_Shdr section{};
  section.sh_type = type;
  section.sh_offset = section_offset;
  section.sh_size = section_bytes;
  Bytes bytes = packed(header, section);
  constexpr std::uint64_t kMost = 1 << 16;
  if (type != SHT_NOBITS && section_offset < kMost && section_bytes < kMost)
    bytes.resize(std::max<std::size_t>(bytes.size(), section_offset + section_bytes));
  return bytes;
}

/// The length found, or the negative error.
std::int64_t measure(const Bytes& image, std::size_t available = SIZE_MAX) {
  const GuardedBytes guarded(image);
  vgpu_image measured{};
  const CUresult result = vgpu_image_measure(guarded.data(), available, &measured);
  return result == CUDA_SUCCESS ? static_cast<std::int64_t>(measured.length)
                                : -static_cast<std::int64_t>(result);
}

TEST_CASE("PTX text is as long as its string, the NUL included") {
  const std::string ptx = ".version 8.0\n.target sm_75\n";
  CHECK(measure(text(ptx)) == static_cast<std::int64_t>(ptx.size() + 1));
  CHECK(measure(text("x")) == 2);
  CHECK(measure(text("")) == -CUDA_ERROR_INVALID_IMAGE);
}

TEST_CASE("a fat binary says how long it is") {
  CHECK(measure(fat_binary(16, 100, 116)) == 116);
  CHECK(measure(fat_binary(64, 0, 64)) == 64);
  CHECK(measure(fat_binary(8, 100, 108)) == -CUDA_ERROR_INVALID_IMAGE);
  CHECK(measure(fat_binary(16, UINT64_MAX, 16)) == -CUDA_ERROR_INVALID_IMAGE);
  CHECK(measure(fat_binary(16, VGPU_FRAME_PAYLOAD_LIMIT, 16)) == -CUDA_ERROR_INVALID_IMAGE);
}

TEST_CASE("nvcc's wrapper leads to the fat binary") {
  const GuardedBytes inner(fat_binary(16, 200, 216));
  CHECK(measure(packed(std::uint32_t{0x466243b1}, std::uint32_t{1},
                       reinterpret_cast<std::uintptr_t>(inner.data()), std::uintptr_t{0})) == 216);
  CHECK(measure(packed(std::uint32_t{0x466243b1}, std::uint32_t{1}, nullptr, nullptr)) ==
        -CUDA_ERROR_INVALID_IMAGE);
}

TEST_CASE("a cubin ends behind its last section") {
  constexpr auto kHeaders = static_cast<std::int64_t>(sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr));
  CHECK(measure(cubin(500, 300, SHT_PROGBITS)) == 800);
  CHECK(measure(cubin(16, 8, SHT_PROGBITS)) == kHeaders);
  // Memory that is zero at the start takes no room in the file.
  CHECK(measure(cubin(500, 1 << 20, SHT_NOBITS)) == kHeaders);
  CHECK(measure(cubin(UINT64_MAX - 8, 100, SHT_PROGBITS)) == -CUDA_ERROR_INVALID_IMAGE);
  Bytes small_class = cubin(500, 300, SHT_PROGBITS);
  small_class[EI_CLASS] = std::byte{ELFCLASS32};
  CHECK(measure(small_class) == -CUDA_ERROR_INVALID_IMAGE);
  Bytes other_machine = cubin(500, 300, SHT_PROGBITS);
  other_machine[offsetof(Elf64_Ehdr, e_machine)] = std::byte{EM_X86_64};
  CHECK(measure(other_machine) == -CUDA_ERROR_INVALID_IMAGE);
}

TEST_CASE("of a file nothing is read beyond its end") {
  const Bytes images[] = {text(".version 8.0"), fat_binary(16, 100, 116), cubin(100, 30, SHT_PROGBITS)};
  for (const Bytes& image : images) {
    for (std::size_t length = 0; length < image.size(); ++length) {
      CAPTURE(length);
      CHECK(measure(Bytes(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(length)), length) ==
            -CUDA_ERROR_INVALID_IMAGE);
    }
  }
}

TEST_CASE("of memory nothing is read beyond its end, whatever the image says about its length") {
  for (const Bytes& image : {fat_binary(16, 100, 116), cubin(100, 30, SHT_PROGBITS)}) {
    for (std::size_t length = 4; length < image.size(); ++length) {
      CAPTURE(length);
      CHECK(measure(Bytes(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(length))) ==
            -CUDA_ERROR_INVALID_IMAGE);
    }
  }
}

TEST_CASE("a null image is a wrong argument") {
  vgpu_image measured{};
  CHECK(vgpu_image_measure(nullptr, SIZE_MAX, &measured) == CUDA_ERROR_INVALID_VALUE);
}

}  // namespace
}  // namespace vgpu::test
