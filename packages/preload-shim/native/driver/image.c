#include "driver/image.h"

#include <elf.h>
#include <string.h>

#include "log.h"
#include "transport/program_memory.h"
#include "vgpu_protocol.h"

enum {
  WRAPPER_MAGIC = 0x466243b1,
  FAT_BINARY_MAGIC = (int)0xba55ed50u,
  MACHINE_CUDA = 190,  // EM_CUDA, which older headers lack
  // Room in the frame for the parameters beside the image.
  LONGEST_IMAGE = VGPU_FRAME_PAYLOAD_LIMIT - 4096,
};

struct wrapper {
  uint32_t magic;
  uint32_t version;
  const void* data;
  const void* prelinked;
};

struct fat_binary_header {
  uint32_t magic;
  uint16_t version;
  uint16_t header_bytes;
  uint64_t bytes;  // of the entries behind the header
};

static CUresult invalid(const char* why) {
  vgpu_log("module image refused: %s", why);
  return CUDA_ERROR_INVALID_IMAGE;
}

// Of an image in the program's memory nobody says how long it is but the image itself.
static bool is_there(const void* image, uint64_t length, size_t available) {
  return available == SIZE_MAX ? vgpu_program_memory_has(image, length) : length <= available;
}

static CUresult accept(const void* bytes, uint64_t length, size_t available, struct vgpu_image* measured) {
  if (length > LONGEST_IMAGE) return invalid("it is too long to be sent");
  if (!is_there(bytes, length, available)) return invalid("it ends before its own header says so");
  *measured = (struct vgpu_image){.bytes = bytes, .length = length};
  return CUDA_SUCCESS;
}

static CUresult measure_fat_binary(const void* image, size_t available, struct vgpu_image* measured) {
  struct fat_binary_header header;
  if (!is_there(image, sizeof(header), available)) return invalid("it ends in the header of the fat binary");
  memcpy(&header, image, sizeof(header));
  if (header.header_bytes < sizeof(header) || header.bytes > LONGEST_IMAGE)
    return invalid("a bad fat binary header");
  return accept(image, header.header_bytes + header.bytes, available, measured);
}

static uint64_t larger(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static CUresult measure_elf(const void* image, size_t available, struct vgpu_image* measured) {
  Elf64_Ehdr header;
  if (!is_there(image, sizeof(header), available)) return invalid("it ends in the ELF header");
  memcpy(&header, image, sizeof(header));
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return invalid("not a 64-bit cubin");
  if (header.e_machine != MACHINE_CUDA) return invalid("an ELF file for another machine");
  if (header.e_shoff > LONGEST_IMAGE || header.e_phoff > LONGEST_IMAGE) return invalid("a bad ELF header");
  if (header.e_shnum != 0 && header.e_shentsize < sizeof(Elf64_Shdr)) return invalid("a bad ELF header");
  const uint64_t sections_end = header.e_shoff + (uint64_t)header.e_shnum * header.e_shentsize;
  uint64_t end = larger(header.e_phoff + (uint64_t)header.e_phnum * header.e_phentsize, sections_end);
  if (!is_there(image, sections_end, available)) return invalid("it ends before its section headers");
  for (unsigned int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    memcpy(&section, (const char*)image + header.e_shoff + (size_t)i * header.e_shentsize, sizeof(section));
    if (section.sh_type == SHT_NOBITS) continue;
    if (section.sh_offset > LONGEST_IMAGE || section.sh_size > LONGEST_IMAGE)
      return invalid("a bad ELF section");
    end = larger(end, section.sh_offset + section.sh_size);
  }
  return accept(image, end, available, measured);
}

static CUresult measure_text(const void* image, size_t available, struct vgpu_image* measured) {
  const size_t limit = available < LONGEST_IMAGE ? available : LONGEST_IMAGE;
  const size_t length = strnlen(image, limit);
  if (length == 0) return invalid("it is empty");
  if (length == limit) return invalid("text without an end");
  return accept(image, length + 1, available, measured);
}

CUresult vgpu_image_measure(const void* image, size_t available, struct vgpu_image* measured) {
  uint32_t magic = 0;
  if (image == NULL) return CUDA_ERROR_INVALID_VALUE;
  // Shorter text must not be read beyond its end; no magic number contains a NUL.
  const size_t first = available < sizeof(magic) ? available : sizeof(magic);
  if (strnlen(image, first) == sizeof(magic)) memcpy(&magic, image, sizeof(magic));
  if (magic == (uint32_t)WRAPPER_MAGIC) {
    struct wrapper wrapper;
    if (!is_there(image, sizeof(wrapper), available)) return invalid("it ends in the wrapper");
    memcpy(&wrapper, image, sizeof(wrapper));
    return wrapper.data == NULL ? invalid("an empty wrapper")
                                : vgpu_image_measure(wrapper.data, SIZE_MAX, measured);
  }
  if (magic == (uint32_t)FAT_BINARY_MAGIC) return measure_fat_binary(image, available, measured);
  if (memcmp(&magic, ELFMAG, SELFMAG) == 0) return measure_elf(image, available, measured);
  return measure_text(image, available, measured);
}
