// Where the loader would find a library that no environment variable names: its cache, which only root
// writes.

#ifndef VGPU_REAL_LOADER_CACHE_H
#define VGPU_REAL_LOADER_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#define VGPU_LOADER_CACHE "/etc/ld.so.cache"

// A cache that has been opened; `bytes` is NULL where there is none that can be read.
struct vgpu_loader_cache {
  const unsigned char* bytes;
  size_t length;
};

// Maps the file. Libraries of this processor alone are found in it; content that makes no sense holds none.
void vgpu_loader_cache_open(struct vgpu_loader_cache* cache, const char* path);
void vgpu_loader_cache_close(struct vgpu_loader_cache* cache);
// The path of the library's entry number `index`, in the loader's order; NULL when there are fewer. Valid
// until the cache is closed.
const char* vgpu_loader_cache_find(const struct vgpu_loader_cache* cache, const char* name,
                                   unsigned int index);

#endif
