// The format is glibc's: sysdeps/generic/dl-cache.h. Caches of before 2.32 begin with the one of libc 5.
#include "real/loader_cache.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "transport/system.h"

#if defined(__x86_64__)
enum { LIBRARIES_OF_THIS_PROCESSOR = 0x0303 };
#elif defined(__aarch64__)
enum { LIBRARIES_OF_THIS_PROCESSOR = 0x0a03 };
#endif

enum { OLD_HEADER = 16, OLD_ENTRY = 12, MOST_BYTES = 64 << 20 };

static const char OLD_MAGIC[] = "ld.so-1.7.0";
static const char MAGIC[] = "glibc-ld.so.cache1.1";

struct header {
  char magic[sizeof(MAGIC) - 1];
  uint32_t entries;
  uint32_t string_bytes;
  uint32_t unused[5];
};

struct entry {
  int32_t flags;
  uint32_t name;  // offsets from the header
  uint32_t path;
  uint32_t system;
  uint64_t processor_features;
};

void vgpu_loader_cache_open(struct vgpu_loader_cache* cache, const char* path) {
  *cache = (struct vgpu_loader_cache){NULL, 0};
  const int file = vgpu_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (file < 0) return;
  const int64_t bytes = vgpu_file_bytes(file);
  if (bytes > 0 && bytes <= MOST_BYTES) {
    // Replaced by renaming, so that what is mapped does not change.
    void* mapped = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped != MAP_FAILED) *cache = (struct vgpu_loader_cache){mapped, (size_t)bytes};
  }
  vgpu_close(file);
}

void vgpu_loader_cache_close(struct vgpu_loader_cache* cache) {
  if (cache->bytes != NULL) munmap((void*)cache->bytes, cache->length);
  *cache = (struct vgpu_loader_cache){NULL, 0};
}

// Where the header is, behind the older cache if there is one. Not within the file where that makes no sense.
static size_t header_offset(const struct vgpu_loader_cache* cache) {
  uint32_t entries;
  if (cache->length < OLD_HEADER || memcmp(cache->bytes, OLD_MAGIC, sizeof(OLD_MAGIC) - 1) != 0) return 0;
  memcpy(&entries, cache->bytes + OLD_HEADER - sizeof(entries), sizeof(entries));
  const size_t end = OLD_HEADER + (size_t)entries * OLD_ENTRY;
  return (end + 7) & ~(size_t)7;
}

// The text at an offset, which must end within the file; NULL when it does not.
static const char* text_at(const unsigned char* bytes, size_t length, uint32_t offset) {
  if (offset >= length || memchr(bytes + offset, '\0', length - offset) == NULL) return NULL;
  return (const char*)bytes + offset;
}

const char* vgpu_loader_cache_find(const struct vgpu_loader_cache* cache, const char* name,
                                   unsigned int index) {
  struct header header;
  const size_t start = header_offset(cache);
  if (cache->length < start || cache->length - start < sizeof(header)) return NULL;
  const unsigned char* bytes = cache->bytes + start;
  const size_t length = cache->length - start;
  memcpy(&header, bytes, sizeof(header));
  if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0) return NULL;
  if (header.entries > (length - sizeof(header)) / sizeof(struct entry)) return NULL;
  for (uint32_t i = 0; i < header.entries; ++i) {
    struct entry entry;
    memcpy(&entry, bytes + sizeof(header) + i * sizeof(entry), sizeof(entry));
    // Those that want more of the processor are variants of others.
    if (entry.flags != LIBRARIES_OF_THIS_PROCESSOR || entry.processor_features != 0) continue;
    const char* found = text_at(bytes, length, entry.name);
    const char* path = text_at(bytes, length, entry.path);
    if (found == NULL || path == NULL || *path != '/' || strcmp(found, name) != 0) continue;
    if (index-- == 0) return path;
  }
  return NULL;
}
