// Libraries: images that become a module in each context where they are used. A kernel of one is its name; it
// becomes a function in the context that is current at its use.
#include "driver/library.h"

#include <stdatomic.h>
#include <stdbool.h>
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

struct loaded {
  struct loaded* next;
  CUcontext context;
  CUmodule module;
};

struct CUlib_st {
  struct CUkern_st* kernels;
  struct loaded* modules;
  size_t bytes;
  unsigned char image[];
};

struct CUkern_st {
  struct CUkern_st* next;
  CUlibrary library;
  // Where it was used last. A kernel is rarely used in two contexts in turn.
  CUcontext context;
  CUfunction function;
  char name[];
};

// Held while an image is sent.
static struct vgpu_lock lock;
static struct vgpu_pointer_map libraries;
static struct vgpu_pointer_map kernels;
// Keeps launches of programs without libraries from taking the lock.
static _Atomic bool any_kernel;

static void release_library(void* value) {
  CUlibrary library = value;
  for (struct CUkern_st *kernel = library->kernels, *next; kernel != NULL; kernel = next) {
    next = kernel->next;
    vgpu_pointer_map_remove(&kernels, kernel);
    free(kernel);
  }
  for (struct loaded *module = library->modules, *next; module != NULL; module = next) {
    next = module->next;
    free(module);
  }
  free(library);
}

void vgpu_libraries_forget(void) {
  if (vgpu_lock_is_held(&lock)) {
    libraries = kernels = (struct vgpu_pointer_map){.capacity = 0};  // being changed at the fork: they leak
  } else {
    vgpu_pointer_map_clear(&libraries, release_library);
  }
  vgpu_lock_forget(&lock);
}

// Under the lock: the library's module in the current context.
static CUresult module_of(CUlibrary library, CUmodule* module) {
  const CUcontext context = vgpu_context_current();
  if (context == NULL) return CUDA_ERROR_INVALID_CONTEXT;
  for (const struct loaded* known = library->modules; known != NULL; known = known->next) {
    unsigned int count;
    if (known->context != context) continue;
    // A primary context that was reset has the same handle and none of its modules.
    if (cuModuleGetFunctionCount(&count, known->module) == CUDA_ERROR_INVALID_HANDLE) continue;
    *module = known->module;
    return CUDA_SUCCESS;
  }
  struct loaded* made = malloc(sizeof(*made));
  if (made == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  const CUresult result = vgpuModuleLoad(module, library->image, library->bytes);
  if (result != CUDA_SUCCESS) {
    free(made);
    return result;
  }
  *made = (struct loaded){.next = library->modules, .context = context, .module = *module};
  library->modules = made;
  return CUDA_SUCCESS;
}

static CUresult check_options(unsigned int count, const CUlibraryOption* options) {
  if (count != 0 && options == NULL) return CUDA_ERROR_INVALID_VALUE;
  for (unsigned int i = 0; i < count; ++i) {
    // The image is copied, so it need not be preserved.
    if (options[i] == CU_LIBRARY_BINARY_IS_PRESERVED) continue;
    vgpu_log("cuLibraryLoadData with option %d is not implemented", (int)options[i]);
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_SUCCESS;
}

static CUresult load(CUlibrary* library, const void* code, size_t available) {
  struct vgpu_image image;
  CUmodule module;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) result = vgpu_image_measure(code, available, &image);
  if (result != CUDA_SUCCESS) return result;
  CUlibrary made = calloc(1, sizeof(*made) + image.length);
  if (made == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  made->bytes = image.length;
  memcpy(made->image, image.bytes, image.length);
  vgpu_lock(&lock);
  // Where there is a context, what is wrong with the image comes out now.
  if (vgpu_context_current() != NULL) result = module_of(made, &module);
  if (result == CUDA_SUCCESS && !vgpu_pointer_map_insert(&libraries, made, made))
    result = CUDA_ERROR_OUT_OF_MEMORY;
  vgpu_unlock(&lock);
  if (result != CUDA_SUCCESS) {
    release_library(made);
    return result;
  }
  *library = made;
  return CUDA_SUCCESS;
}

CUresult cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option* jitOptions,
                           void** jitOptionsValues, unsigned int numJitOptions,
                           CUlibraryOption* libraryOptions, void** libraryOptionValues,
                           unsigned int numLibraryOptions) {
  (void)libraryOptionValues;
  if (library == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_jit_options(numJitOptions, jitOptions, jitOptionsValues);
  if (result == CUDA_SUCCESS) result = check_options(numLibraryOptions, libraryOptions);
  return result == CUDA_SUCCESS ? load(library, code, SIZE_MAX) : result;
}

CUresult cuLibraryLoadFromFile(CUlibrary* library, const char* fileName, CUjit_option* jitOptions,
                               void** jitOptionsValues, unsigned int numJitOptions,
                               CUlibraryOption* libraryOptions, void** libraryOptionValues,
                               unsigned int numLibraryOptions) {
  char* bytes = NULL;
  size_t length = 0;
  (void)libraryOptionValues;
  if (library == NULL || fileName == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_jit_options(numJitOptions, jitOptions, jitOptionsValues);
  if (result == CUDA_SUCCESS) result = check_options(numLibraryOptions, libraryOptions);
  if (result == CUDA_SUCCESS) result = vgpu_read_module_file(fileName, &bytes, &length);
  if (result == CUDA_SUCCESS) result = load(library, bytes, length);
  free(bytes);
  return result;
}

CUresult cuLibraryUnload(CUlibrary library) {
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (vgpu_pointer_map_find(&libraries, library) == NULL) {
    result = CUDA_ERROR_INVALID_HANDLE;
  } else {
    vgpu_pointer_map_remove(&libraries, library);
    // In other contexts the modules stay until these end.
    for (const struct loaded* known = library->modules; known != NULL; known = known->next) {
      if (known->context == vgpu_context_current()) cuModuleUnload(known->module);
    }
    release_library(library);
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult cuLibraryGetModule(CUmodule* pMod, CUlibrary library) {
  CUresult result = vgpu_session_check();
  if (pMod == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pointer_map_find(&libraries, library) == NULL ? CUDA_ERROR_INVALID_HANDLE
                                                              : module_of(library, pMod);
  vgpu_unlock(&lock);
  return result;
}

CUresult cuLibraryGetKernelCount(unsigned int* count, CUlibrary lib) {
  CUmodule module;
  if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuLibraryGetModule(&module, lib);
  return result == CUDA_SUCCESS ? cuModuleGetFunctionCount(count, module) : result;
}

CUresult cuLibraryGetGlobal(CUdeviceptr* dptr, size_t* bytes, CUlibrary library, const char* name) {
  CUmodule module;
  if ((dptr == NULL && bytes == NULL) || name == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = cuLibraryGetModule(&module, library);
  return result == CUDA_SUCCESS ? cuModuleGetGlobal_v2(dptr, bytes, module, name) : result;
}

CUresult cuLibraryGetManaged(CUdeviceptr* dptr, size_t* bytes, CUlibrary library, const char* name) {
  CUdeviceptr address = 0;
  unsigned int managed = 0;
  CUresult result = cuLibraryGetGlobal(&address, bytes, library, name);
  if (result == CUDA_SUCCESS)
    result = cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, address);
  if (result != CUDA_SUCCESS) return result;
  if (managed == 0) return CUDA_ERROR_NOT_FOUND;
  if (dptr != NULL) *dptr = address;
  return CUDA_SUCCESS;
}

static struct CUkern_st* find_kernel(CUlibrary library, const char* name) {
  struct CUkern_st* kernel = library->kernels;
  while (kernel != NULL && strcmp(kernel->name, name) != 0) kernel = kernel->next;
  return kernel;
}

// Under the lock.
static CUresult add_kernel(CUkernel* kernel, CUlibrary library, const char* name) {
  CUmodule module = NULL;
  CUfunction function = NULL;
  CUresult result = module_of(library, &module);
  if (result == CUDA_SUCCESS) result = cuModuleGetFunction(&function, module, name);
  if (result != CUDA_SUCCESS) return result;
  const size_t bytes = strlen(name) + 1;
  CUkernel made = malloc(sizeof(*made) + bytes);
  if (made == NULL || !vgpu_pointer_map_insert(&kernels, made, made)) {
    free(made);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *made = (struct CUkern_st){
      .next = library->kernels, .library = library, .context = vgpu_context_current(), .function = function};
  memcpy(made->name, name, bytes);
  library->kernels = made;
  atomic_store(&any_kernel, true);
  *kernel = made;
  return CUDA_SUCCESS;
}

// Under the lock.
static CUresult get_kernel(CUkernel* kernel, CUlibrary library, const char* name) {
  CUkernel known = find_kernel(library, name);
  const CUresult result = known == NULL ? add_kernel(&known, library, name) : CUDA_SUCCESS;
  if (result == CUDA_SUCCESS) *kernel = known;
  return result;
}

CUresult cuLibraryGetKernel(CUkernel* pKernel, CUlibrary library, const char* name) {
  CUresult result = vgpu_session_check();
  if (pKernel == NULL || name == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pointer_map_find(&libraries, library) == NULL ? CUDA_ERROR_INVALID_HANDLE
                                                              : get_kernel(pKernel, library, name);
  vgpu_unlock(&lock);
  return result;
}

// The kernels of the functions of the library's module, over the array that the functions came in.
static CUresult kernels_of(void** handles, unsigned int count, CUlibrary library) {
  for (unsigned int i = 0; i < count; ++i) {
    const char* name = NULL;
    CUkernel kernel = NULL;
    CUresult result = cuFuncGetName(&name, handles[i]);
    if (result == CUDA_SUCCESS) result = cuLibraryGetKernel(&kernel, library, name);
    if (result != CUDA_SUCCESS) return result;
    handles[i] = kernel;
  }
  return CUDA_SUCCESS;
}

CUresult cuLibraryEnumerateKernels(CUkernel* kernels, unsigned int numKernels, CUlibrary lib) {
  CUmodule module = NULL;
  unsigned int count = 0;
  if (kernels == NULL && numKernels != 0) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = cuLibraryGetModule(&module, lib);
  if (result == CUDA_SUCCESS) result = cuModuleGetFunctionCount(&count, module);
  if (result != CUDA_SUCCESS) return result;
  if (count > numKernels) count = numKernels;
  void** handles = calloc((size_t)count + 1, sizeof(*handles));
  if (handles == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  result = cuModuleEnumerateFunctions((CUfunction*)handles, count, module);
  if (result == CUDA_SUCCESS) result = kernels_of(handles, count, lib);
  if (result == CUDA_SUCCESS && count != 0) memcpy(kernels, handles, count * sizeof(CUkernel));
  free(handles);
  return result;
}

// Under the lock.
static CUresult function_of(CUkernel kernel, CUfunction* function) {
  CUmodule module = NULL;
  const CUcontext context = vgpu_context_current();
  if (kernel->context != context) {
    CUresult result = module_of(kernel->library, &module);
    if (result == CUDA_SUCCESS) result = cuModuleGetFunction(&kernel->function, module, kernel->name);
    if (result != CUDA_SUCCESS) return result;
    kernel->context = context;
  }
  *function = kernel->function;
  return CUDA_SUCCESS;
}

CUresult cuKernelGetFunction(CUfunction* pFunc, CUkernel kernel) {
  CUresult result = vgpu_session_check();
  if (pFunc == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pointer_map_find(&kernels, kernel) == NULL ? CUDA_ERROR_INVALID_HANDLE
                                                           : function_of(kernel, pFunc);
  vgpu_unlock(&lock);
  return result;
}

CUresult cuKernelGetName(const char** name, CUkernel hfunc) {
  CUresult result = vgpu_session_check();
  if (name == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (vgpu_pointer_map_find(&kernels, hfunc) == NULL) {
    result = CUDA_ERROR_INVALID_HANDLE;
  } else {
    *name = hfunc->name;
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult cuKernelGetLibrary(CUlibrary* pLib, CUkernel kernel) {
  CUresult result = vgpu_session_check();
  if (pLib == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (vgpu_pointer_map_find(&kernels, kernel) == NULL) {
    result = CUDA_ERROR_INVALID_HANDLE;
  } else {
    *pLib = kernel->library;
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult vgpu_library_resolve(CUfunction* function) {
  CUresult result = CUDA_SUCCESS;
  if (!atomic_load_explicit(&any_kernel, memory_order_relaxed) || *function == NULL) return result;
  vgpu_lock(&lock);
  CUkernel kernel = vgpu_pointer_map_find(&kernels, *function);
  if (kernel != NULL) result = function_of(kernel, function);
  vgpu_unlock(&lock);
  return result;
}
