// Which functions a module has, and what they are called.
#include "driver/function_name.h"

#include <stdlib.h>

#include "driver/library.h"
#include "guest_api.h"
#include "pointer_map.h"
#include "transport/lock.h"

// cuda.h's limit for names is that of the PTX language: none. Beyond this a peer talks nonsense.
enum { LONGEST_NAME = 1 << 20 };

static struct vgpu_lock lock;
// By function. They stay: programs keep the pointers, and no handle is given out twice.
static struct vgpu_pointer_map names;

static CUresult ask(CUfunction function, size_t bytes, char** asked) {
  char* name = calloc(bytes + 1, 1);
  if (name == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  const CUresult result = vgpuFunctionName(name, bytes, function);
  if (result != CUDA_SUCCESS) {
    free(name);
    return result;
  }
  *asked = name;
  return CUDA_SUCCESS;
}

CUresult cuFuncGetName(const char** name, CUfunction hfunc) {
  size_t bytes = 0;
  char* asked = NULL;
  if (name == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_library_resolve(&hfunc);
  // Also tells whether the function is still there.
  if (result == CUDA_SUCCESS) result = vgpuFunctionNameLength(&bytes, hfunc);
  if (result != CUDA_SUCCESS) return result;
  if (bytes > LONGEST_NAME) return CUDA_ERROR_UNKNOWN;
  vgpu_lock(&lock);
  const char* known = vgpu_pointer_map_find(&names, hfunc);
  if (known == NULL) {
    result = ask(hfunc, bytes, &asked);
    if (result == CUDA_SUCCESS && !vgpu_pointer_map_insert(&names, hfunc, asked)) {
      free(asked);
      result = CUDA_ERROR_OUT_OF_MEMORY;
    }
    known = asked;
  }
  vgpu_unlock(&lock);
  if (result == CUDA_SUCCESS) *name = known;
  return result;
}

void vgpu_function_names_forget(void) {
  names = (struct vgpu_pointer_map){.capacity = 0};  // the parent's; the names are lost
  vgpu_lock_forget(&lock);
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned int numFunctions, CUmodule mod) {
  unsigned int count = 0;
  if (functions == NULL && numFunctions != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuModuleGetFunctionCount(&count, mod);
  if (result != CUDA_SUCCESS) return result;
  if (count > numFunctions) count = numFunctions;
  return vgpuModuleFunctions(functions, count * sizeof(CUfunction), mod);
}
