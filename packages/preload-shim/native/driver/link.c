// Linking at run time. What comes out is loaded as a module, and an image that is complete by itself can be
// loaded as it is: so linking one image gives that image. Several would have to be made one, which nobody
// here can do.
#include "driver/link.h"

#include <stdlib.h>
#include <string.h>

#include "driver/context_stack.h"
#include "driver/image.h"
#include "driver/module.h"
#include "guest_api.h"
#include "log.h"
#include "pointer_map.h"
#include "transport/lock.h"
#include "transport/session.h"

struct CUlinkState_st {
  void* image;  // NULL until one has been added
  size_t bytes;
};

static struct vgpu_lock lock;
static struct vgpu_pointer_map links;

static void release_link(void* value) {
  CUlinkState link = value;
  free(link->image);
  free(link);
}

void vgpu_links_forget(void) {
  if (vgpu_lock_is_held(&lock)) {
    links = (struct vgpu_pointer_map){.capacity = 0};  // being changed when the process forked: it leaks
  } else {
    vgpu_pointer_map_clear(&links, release_link);
  }
  vgpu_lock_forget(&lock);
}

CUresult cuLinkCreate_v2(unsigned int numOptions, CUjit_option* options, void** optionValues,
                         CUlinkState* stateOut) {
  if (stateOut == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS && vgpu_context_current() == NULL) result = CUDA_ERROR_INVALID_CONTEXT;
  if (result == CUDA_SUCCESS) result = vgpu_jit_options(numOptions, options, optionValues);
  if (result != CUDA_SUCCESS) return result;
  CUlinkState made = calloc(1, sizeof(*made));
  if (made == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  vgpu_lock(&lock);
  const bool kept = vgpu_pointer_map_insert(&links, made, made);
  vgpu_unlock(&lock);
  if (!kept) {
    free(made);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *stateOut = made;
  return CUDA_SUCCESS;
}

static CUresult check_type(CUjitInputType type) {
  switch (type) {
    case CU_JIT_INPUT_CUBIN:
    case CU_JIT_INPUT_PTX:
    case CU_JIT_INPUT_FATBINARY:
      return CUDA_SUCCESS;
    case CU_JIT_INPUT_OBJECT:
    case CU_JIT_INPUT_LIBRARY:
    case CU_JIT_INPUT_NVVM:
      vgpu_log("cuLinkAddData with input of type %d is not implemented", (int)type);
      return CUDA_ERROR_NOT_SUPPORTED;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

// What is wrong with an image comes out when it is added, as the documentation says.
static CUresult try_to_load(const void* image, size_t bytes) {
  CUmodule module;
  const CUresult result = vgpuModuleLoad(&module, image, bytes);
  return result == CUDA_SUCCESS ? cuModuleUnload(module) : result;
}

// Under the lock.
static CUresult keep(CUlinkState link, const void* data, size_t size) {
  struct vgpu_image image;
  if (link->image != NULL) {
    vgpu_log("linking several images is not implemented: link them with nvcc -rdc=true");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  // Text may come without its NUL.
  char* copy = malloc(size + 1);
  if (copy == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  memcpy(copy, data, size);
  copy[size] = '\0';
  CUresult result = vgpu_image_measure(copy, size + 1, &image);
  if (result == CUDA_SUCCESS) result = try_to_load(image.bytes, image.length);
  if (result != CUDA_SUCCESS) {
    free(copy);
    return result;
  }
  link->image = copy;
  link->bytes = image.length;
  return CUDA_SUCCESS;
}

static CUresult add(CUlinkState state, CUjitInputType type, const void* data, size_t size) {
  CUresult result = check_type(type);
  if (result == CUDA_SUCCESS) result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pointer_map_find(&links, state) == NULL ? CUDA_ERROR_INVALID_HANDLE : keep(state, data, size);
  vgpu_unlock(&lock);
  return result;
}

CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name,
                          unsigned int numOptions, CUjit_option* options, void** optionValues) {
  (void)name;
  if (data == NULL || size == 0 || size > VGPU_FRAME_PAYLOAD_LIMIT) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_jit_options(numOptions, options, optionValues);
  return result == CUDA_SUCCESS ? add(state, type, data, size) : result;
}

CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char* path, unsigned int numOptions,
                          CUjit_option* options, void** optionValues) {
  char* bytes = NULL;
  size_t length = 0;
  if (path == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_jit_options(numOptions, options, optionValues);
  if (result == CUDA_SUCCESS) result = vgpu_read_module_file(path, &bytes, &length);
  if (result == CUDA_SUCCESS) result = add(state, type, bytes, length);
  free(bytes);
  return result;
}

CUresult cuLinkComplete(CUlinkState state, void** cubinOut, size_t* sizeOut) {
  if (cubinOut == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (vgpu_pointer_map_find(&links, state) == NULL) {
    result = CUDA_ERROR_INVALID_HANDLE;
  } else if (state->image == NULL) {
    result = CUDA_ERROR_INVALID_VALUE;
  } else {
    *cubinOut = state->image;
    if (sizeOut != NULL) *sizeOut = state->bytes;
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult cuLinkDestroy(CUlinkState state) {
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (vgpu_pointer_map_find(&links, state) == NULL) {
    result = CUDA_ERROR_INVALID_HANDLE;
  } else {
    vgpu_pointer_map_remove(&links, state);
    release_link(state);
  }
  vgpu_unlock(&lock);
  return result;
}
