#include "driver/image.h"

#include <elf.h>
#include <string.h>

#include "log.h"
#include "vgpu_protocol.h"

enum {
  WRAPPER_MAGIC = 0x466243b1,
  FAT_BINARY_MAGIC = (int)0xba55ed50u,
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

static CUresult accept(const void* bytes, uint64_t length, size_t available, struct vgpu_image* measured) {
  if (length > LONGEST_IMAGE) return invalid("it is too long to be sent");
  if (length > available) return invalid("it ends before its own header says so");
  *measured = (struct vgpu_image){.bytes = bytes, .length = length};
  return CUDA_SUCCESS;
}

static CUresult measure_fat_binary(const void* image, size_t available, struct vgpu_image* measured) {
  struct fat_binary_header header;
  if (available < sizeof(header)) return invalid("it ends in the header of the fat binary");
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
  if (available < sizeof(header)) return invalid("it ends in the ELF header");
  memcpy(&header, image, sizeof(header));
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return invalid("not a 64-bit cubin");
  if (header.e_shoff > LONGEST_IMAGE || header.e_phoff > LONGEST_IMAGE) return invalid("a bad ELF header");
  if (header.e_shnum != 0 && header.e_shentsize < sizeof(Elf64_Shdr)) return invalid("a bad ELF header");
  const uint64_t sections_end = header.e_shoff + (uint64_t)header.e_shnum * header.e_shentsize;
  uint64_t end = larger(header.e_phoff + (uint64_t)header.e_phnum * header.e_phentsize, sections_end);
  if (sections_end > available) return invalid("it ends before its section headers");
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

CUresult vgpu_image_measure(const void* image, size_t available, struct vgpu_image* measured) {
  if (image == NULL) return CUDA_ERROR_INVALID_VALUE;
  const size_t limit = available < LONGEST_IMAGE ? available : LONGEST_IMAGE;
  const size_t text_length = strnlen(image, limit);
  uint32_t magic = 0;
  // Shorter text must not be read beyond its end; no magic number contains a NUL.
  if (text_length >= sizeof(magic)) memcpy(&magic, image, sizeof(magic));
  if (magic == (uint32_t)WRAPPER_MAGIC) {
    struct wrapper wrapper;
    if (available < sizeof(wrapper)) return invalid("it ends in the wrapper");
    memcpy(&wrapper, image, sizeof(wrapper));
    return wrapper.data == NULL ? invalid("an empty wrapper")
                                : vgpu_image_measure(wrapper.data, SIZE_MAX, measured);
  }
  if (magic == (uint32_t)FAT_BINARY_MAGIC) return measure_fat_binary(image, available, measured);
  if (memcmp(&magic, ELFMAG, SELFMAG) == 0) return measure_elf(image, available, measured);
  if (text_length == 0) return invalid("it is empty");
  if (text_length == limit) return invalid("text without an end");
  return accept(image, text_length + 1, available, measured);
}
