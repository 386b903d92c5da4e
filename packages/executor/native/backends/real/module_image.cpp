#include "backends/real/module_image.h"

#include <elf.h>

#include <cstdint>
#include <cstring>

#include "backends/errors.h"

namespace vgpu::executor {
namespace {

constexpr std::uint32_t kFatBinaryMagic = 0xba55ed50;

struct FatBinaryHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;  // behind the header
};

[[noreturn]] void refuse(const char* why) {
  throw CallError(CUDA_ERROR_INVALID_IMAGE, std::string("module image: ") + why);
}

template <typename Value>
Value read_at(std::span<const std::byte> image, std::uint64_t offset) {
  if (offset > image.size() || image.size() - offset < sizeof(Value)) refuse("it ends in a header");
  Value value;
  std::memcpy(&value, image.data() + offset, sizeof(value));
  return value;
}

void require_inside(std::span<const std::byte> image, std::uint64_t offset, std::uint64_t bytes) {
  if (offset > image.size() || bytes > image.size() - offset) refuse("its header claims more than was sent");
}

void check_elf(std::span<const std::byte> image) {
  const auto header = read_at<Elf64_Ehdr>(image, 0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64) refuse("not a 64-bit cubin");
  require_inside(image, header.e_phoff, std::uint64_t{header.e_phnum} * header.e_phentsize);
  require_inside(image, header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize);
  if (header.e_shnum != 0 && header.e_shentsize < sizeof(Elf64_Shdr)) refuse("bad section headers");
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section = read_at<Elf64_Shdr>(image, header.e_shoff + i * header.e_shentsize);
    if (section.sh_type != SHT_NOBITS) require_inside(image, section.sh_offset, section.sh_size);
  }
}

}  // namespace

std::string checked_image(std::span<const std::byte> image) {
  if (image.empty()) refuse("it is empty");
  std::uint32_t magic = 0;
  if (image.size() >= sizeof(magic)) std::memcpy(&magic, image.data(), sizeof(magic));
  if (magic == kFatBinaryMagic) {
    const auto header = read_at<FatBinaryHeader>(image, 0);
    if (header.header_bytes < sizeof(header)) refuse("bad header");
    require_inside(image, header.header_bytes, header.bytes);
  } else if (std::memcmp(&magic, ELFMAG, SELFMAG) == 0) {
    check_elf(image);
  }
  // Text ends with a NUL; the driver looks for headers of some bytes before it takes an image for text.
  constexpr std::size_t kMargin = 64;
  std::string checked(reinterpret_cast<const char*>(image.data()), image.size());
  checked.append(kMargin, '\0');
  return checked;
}

}  // namespace vgpu::executor
