#include "driver/function_layout.h"

#include <stdlib.h>
#include <string.h>

#include "guest_api.h"
#include "log.h"
#include "pointer_map.h"
#include "transport/lock.h"

// CUDA allows 32764 bytes of parameters; one more entry than that is a peer that talks nonsense.
enum { MOST_PARAMETERS = 32764, FIRST_CAPACITY = 8, LARGEST_OFFSET = 1 << 20 };

static struct vgpu_lock lock;
static struct vgpu_pointer_map layouts;

static CUresult grow(struct vgpu_function_layout** layout, uint32_t capacity) {
  struct vgpu_function_layout* larger =
      realloc(*layout, sizeof(**layout) + capacity * sizeof(struct vgpu_parameter));
  if (larger == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  *layout = larger;
  return CUDA_SUCCESS;
}

static CUresult ask_parameters(CUfunction function, struct vgpu_function_layout** layout) {
  uint32_t capacity = FIRST_CAPACITY;
  for (uint32_t i = 0; i < MOST_PARAMETERS; ++i) {
    size_t offset = 0;
    size_t bytes = 0;
    CUresult result = cuFuncGetParamInfo(function, i, &offset, &bytes);
    if (result == CUDA_ERROR_INVALID_VALUE) return CUDA_SUCCESS;  // there are only i parameters
    if (result != CUDA_SUCCESS) return result;
    if (offset > LARGEST_OFFSET || bytes > LARGEST_OFFSET) break;
    if (i == capacity) {
      capacity *= 2;
      result = grow(layout, capacity);
      if (result != CUDA_SUCCESS) return result;
    }
    (*layout)->parameters[i] = (struct vgpu_parameter){.offset = (uint32_t)offset, .bytes = (uint32_t)bytes};
    (*layout)->parameter_count = i + 1;
    if (offset + bytes > (*layout)->parameter_bytes) (*layout)->parameter_bytes = (uint32_t)(offset + bytes);
  }
  vgpu_log("the executor's parameter layout makes no sense");
  return CUDA_ERROR_UNKNOWN;
}

static CUresult ask(CUfunction function, struct vgpu_function_layout** asked) {
  struct vgpu_function_layout* layout = NULL;
  CUresult result = grow(&layout, FIRST_CAPACITY);
  if (result != CUDA_SUCCESS) return result;
  memset(layout, 0, sizeof(*layout));
  layout->function = function;
  result = cuFuncGetAttribute(&layout->threads_per_block, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function);
  if (result == CUDA_SUCCESS) {
    result = cuFuncGetAttribute(&layout->static_shared_bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function);
  }
  if (result == CUDA_SUCCESS) result = ask_parameters(function, &layout);
  if (result != CUDA_SUCCESS) {
    free(layout);
    return result;
  }
  *asked = layout;
  return CUDA_SUCCESS;
}

CUresult vgpu_function_layout(CUfunction function, struct vgpu_function_layout** layout) {
  vgpu_lock(&lock);
  struct vgpu_function_layout* known = vgpu_pointer_map_find(&layouts, function);
  vgpu_unlock(&lock);
  if (known != NULL) {
    *layout = known;
    return CUDA_SUCCESS;
  }
  // Not under the lock: decoding a kernel takes a while, and other threads launch other kernels meanwhile.
  struct vgpu_function_layout* asked = NULL;
  CUresult result = ask(function, &asked);
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  known = vgpu_pointer_map_find(&layouts, function);
  if (known == NULL) {
    if (vgpu_pointer_map_insert(&layouts, function, asked)) {
      known = asked;
      asked = NULL;
    } else {
      result = CUDA_ERROR_OUT_OF_MEMORY;
    }
  }
  vgpu_unlock(&lock);
  free(asked);
  *layout = known;
  return result;
}

void vgpu_function_layouts_forget(void) {
  if (vgpu_lock_is_held(&lock)) {
    // A thread of the parent's was just changing the map: what is left of it cannot be trusted, and leaks.
    layouts = (struct vgpu_pointer_map){.capacity = 0};
  } else {
    vgpu_pointer_map_clear(&layouts, free);
  }
  vgpu_lock_forget(&lock);
}
