#include "driver/graph/pages.h"

#include <stdlib.h>

#include "driver/context_stack.h"
#include "guest_api.h"

static struct vgpu_pages* all;
static size_t used_high;
static size_t reserved_high;

static size_t sum(bool only_used) {
  size_t bytes = 0;
  for (const struct vgpu_pages* pages = all; pages != NULL; pages = pages->next)
    bytes += pages->used || !only_used ? pages->bytes : 0;
  return bytes;
}

void vgpu_pages_wait(const struct vgpu_pages* pages) {
  CUcontext popped;
  if (vgpu_context_push(pages->context, pages->device) != CUDA_SUCCESS) return;
  // An error is that of earlier work, and the next call that waits shows it too. Without the context nothing
  // runs.
  vgpuContextSynchronize();
  vgpu_context_pop(&popped);
}

CUresult vgpu_pages_unmap(struct vgpu_pages* pages) {
  if (pages->holder == NULL) return CUDA_SUCCESS;
  vgpu_pages_wait(pages);
  const CUresult result = cuMemUnmap(pages->address, pages->bytes);
  if (result != CUDA_SUCCESS) return result;
  *pages->holder = NULL;
  pages->holder = NULL;
  return CUDA_SUCCESS;
}

CUresult vgpu_pages_trim(void) {
  struct vgpu_pages** link = &all;
  while (*link != NULL) {
    struct vgpu_pages* pages = *link;
    if (pages->used) {
      link = &pages->next;
      continue;
    }
    CUresult result = vgpu_pages_unmap(pages);
    if (result == CUDA_SUCCESS) result = cuMemRelease(pages->handle);
    if (result != CUDA_SUCCESS) return result;
    *link = pages->next;
    free(pages);
  }
  return CUDA_SUCCESS;
}

static struct vgpu_pages* find_unused(size_t bytes) {
  struct vgpu_pages* mapped = NULL;
  for (struct vgpu_pages* pages = all; pages != NULL; pages = pages->next) {
    if (pages->bytes != bytes || pages->used) continue;
    if (pages->holder == NULL) return pages;
    mapped = pages;
  }
  return mapped;
}

static CUresult create(size_t bytes, struct vgpu_pages** created) {
  struct vgpu_pages* pages = calloc(1, sizeof(*pages));
  if (pages == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult result = vgpuMemCreate(&pages->handle, bytes, 0);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    // Others, of other sizes, may lie about unused.
    result = vgpu_pages_trim();
    if (result == CUDA_SUCCESS) result = vgpuMemCreate(&pages->handle, bytes, 0);
  }
  if (result != CUDA_SUCCESS) {
    free(pages);
    return result;
  }
  pages->bytes = bytes;
  pages->next = all;
  all = pages;
  *created = pages;
  return CUDA_SUCCESS;
}

CUresult vgpu_pages_provide(struct vgpu_pages** holder, CUdeviceptr address, size_t bytes) {
  if (*holder != NULL) return CUDA_SUCCESS;
  struct vgpu_pages* pages = find_unused(bytes);
  CUresult result = pages == NULL ? create(bytes, &pages) : vgpu_pages_unmap(pages);
  if (result == CUDA_SUCCESS) result = cuMemMap(address, bytes, 0, pages->handle, 0);
  if (result != CUDA_SUCCESS) return result;
  pages->address = address;
  pages->holder = holder;
  *holder = pages;
  result = vgpuMemSetAccess(address, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
  // A later launch must not take it for memory that it can use.
  if (result != CUDA_SUCCESS) vgpu_pages_unmap(pages);
  return result;
}

void vgpu_pages_count(void) {
  const size_t used = sum(true);
  const size_t reserved = sum(false);
  if (used > used_high) used_high = used;
  if (reserved > reserved_high) reserved_high = reserved;
}

CUresult vgpu_pages_attribute(CUgraphMem_attribute attribute, cuuint64_t* value) {
  switch (attribute) {
    case CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT:
      *value = sum(true);
      return CUDA_SUCCESS;
    case CU_GRAPH_MEM_ATTR_USED_MEM_HIGH:
      *value = used_high;
      return CUDA_SUCCESS;
    case CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT:
      *value = sum(false);
      return CUDA_SUCCESS;
    case CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH:
      *value = reserved_high;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

void vgpu_pages_lower_mark(CUgraphMem_attribute attribute) {
  if (attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH) {
    used_high = sum(true);
  } else {
    reserved_high = sum(false);
  }
}

void vgpu_pages_forget(void) {
  all = NULL;  // the parent's; a few bytes are lost
  used_high = reserved_high = 0;
}
