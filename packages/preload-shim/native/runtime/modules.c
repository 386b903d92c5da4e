#include "runtime/modules.h"

#include <stdbool.h>
#include <stdlib.h>

#include "guest_api.h"
#include "log.h"
#include "pointer_map.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"
#include "transport/lock.h"

// The handle that something has in each context where it was loaded. There is nearly always one.
struct loaded {
  CUcontext context;
  void* handle;
};

struct loaded_list {
  struct loaded* entries;
  size_t count;
};

struct vgpu_kernel {
  struct vgpu_fat_binary* binary;  // NULL for the kernel of a library, which `host_function` is then
  struct vgpu_kernel* next;
  const void* host_function;
  const char* name;  // the program's, constant for as long as the binary is registered
  struct loaded_list functions;
};

struct variable {
  struct vgpu_fat_binary* binary;
  struct variable* next;
  const void* host_variable;
  const char* name;
  void** managed;  // where the program keeps the variable's address; NULL for other variables
};

struct vgpu_fat_binary {
  struct vgpu_fat_binary* next;
  const void* image;
  struct vgpu_kernel* kernels;
  struct variable* variables;
  struct loaded_list modules;
};

// Held while a module is loaded, which may take seconds; kernels that are known go on meanwhile.
static struct vgpu_lock loading;
// Protects everything below. Taken after `loading` where both are needed.
static struct vgpu_lock lock;
static struct vgpu_fat_binary* binaries;
static struct vgpu_pointer_map kernels;    // by host function, and by the kernel itself
static struct vgpu_pointer_map variables;  // by host variable

static void* find_loaded(const struct loaded_list* list, CUcontext context) {
  for (size_t i = 0; i < list->count; ++i) {
    if (list->entries[i].context == context) return list->entries[i].handle;
  }
  return NULL;
}

static bool add_loaded(struct loaded_list* list, CUcontext context, void* handle) {
  struct loaded* larger = realloc(list->entries, (list->count + 1) * sizeof(*larger));
  if (larger == NULL) return false;
  list->entries = larger;
  list->entries[list->count++] = (struct loaded){.context = context, .handle = handle};
  return true;
}

static void forget_loaded(struct loaded_list* list, CUcontext context) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; ++i) {
    if (list->entries[i].context != context) list->entries[kept++] = list->entries[i];
  }
  list->count = kept;
}

struct vgpu_fat_binary* vgpu_modules_add(const void* image) {
  struct vgpu_fat_binary* binary = calloc(1, sizeof(*binary));
  if (binary == NULL) return NULL;
  binary->image = image;
  vgpu_lock(&lock);
  binary->next = binaries;
  binaries = binary;
  vgpu_unlock(&lock);
  return binary;
}

void vgpu_modules_add_kernel(struct vgpu_fat_binary* binary, const void* host_function, const char* name) {
  struct vgpu_kernel* kernel = calloc(1, sizeof(*kernel));
  vgpu_lock(&lock);
  if (kernel != NULL) {
    *kernel = (struct vgpu_kernel){
        .binary = binary, .next = binary->kernels, .host_function = host_function, .name = name};
    binary->kernels = kernel;
  }
  const bool stored = kernel != NULL && vgpu_pointer_map_insert(&kernels, host_function, kernel) &&
                      vgpu_pointer_map_insert(&kernels, kernel, kernel);
  vgpu_unlock(&lock);
  // Registration has no result; the launch will say that the function is unknown.
  if (!stored) vgpu_log("no memory to register kernel %s", name);
}

bool vgpu_modules_add_library_kernel(CUkernel library_kernel) {
  vgpu_lock(&lock);
  bool stored = vgpu_pointer_map_find(&kernels, library_kernel) != NULL;
  if (!stored) {
    // Kept after the library is gone: the driver then says that its kernel is none.
    struct vgpu_kernel* kernel = calloc(1, sizeof(*kernel));
    if (kernel != NULL) kernel->host_function = library_kernel;
    stored = kernel != NULL && vgpu_pointer_map_insert(&kernels, library_kernel, kernel);
    if (!stored) free(kernel);
  }
  vgpu_unlock(&lock);
  return stored;
}

static void add_variable(struct vgpu_fat_binary* binary, const struct variable* made) {
  struct variable* variable = malloc(sizeof(*variable));
  vgpu_lock(&lock);
  if (variable != NULL) {
    *variable = *made;
    variable->binary = binary;
    variable->next = binary->variables;
    binary->variables = variable;
  }
  const bool stored = variable != NULL && vgpu_pointer_map_insert(&variables, made->host_variable, variable);
  vgpu_unlock(&lock);
  if (!stored) vgpu_log("no memory to register variable %s", made->name);
}

void vgpu_modules_add_variable(struct vgpu_fat_binary* binary, const void* host_variable, const char* name,
                               size_t bytes) {
  (void)bytes;  // the module knows; a declaration may be of another size
  add_variable(binary, &(struct variable){.host_variable = host_variable, .name = name});
}

void vgpu_modules_add_managed(struct vgpu_fat_binary* binary, void** host_pointer, const char* name,
                              size_t bytes) {
  (void)bytes;
  add_variable(binary,
               &(struct variable){.host_variable = host_pointer, .name = name, .managed = host_pointer});
}

static void remove_from_maps(const struct vgpu_fat_binary* binary) {
  for (struct vgpu_kernel* kernel = binary->kernels; kernel != NULL; kernel = kernel->next) {
    vgpu_pointer_map_remove(&kernels, kernel);
    // Another binary may have registered the same address since, after a library was unloaded and another
    // loaded.
    if (vgpu_pointer_map_find(&kernels, kernel->host_function) == kernel) {
      vgpu_pointer_map_remove(&kernels, kernel->host_function);
    }
  }
  for (struct variable* variable = binary->variables; variable != NULL; variable = variable->next) {
    if (vgpu_pointer_map_find(&variables, variable->host_variable) == variable) {
      vgpu_pointer_map_remove(&variables, variable->host_variable);
    }
  }
}

void vgpu_modules_remove(struct vgpu_fat_binary* binary) {
  // This runs in exit handlers, when other threads may still be launching. Hence nothing waits for the
  // executor to unload, and nothing is freed that such a thread may hold: the binary stays in the list.
  vgpu_lock(&lock);
  const struct vgpu_fat_binary* known = binaries;
  while (known != NULL && known != binary) known = known->next;
  if (known != NULL) remove_from_maps(known);
  vgpu_unlock(&lock);
}

struct vgpu_kernel* vgpu_modules_kernel(const void* entry) {
  vgpu_lock(&lock);
  struct vgpu_kernel* kernel = vgpu_pointer_map_find(&kernels, entry);
  vgpu_unlock(&lock);
  return kernel;
}

// Under `loading`: tells the program where its managed variables are. It names them by their addresses from
// then on.
static cudaError_t place_managed(struct vgpu_fat_binary* binary, CUmodule module) {
  for (struct variable* variable = binary->variables; variable != NULL; variable = variable->next) {
    CUdeviceptr address = 0;
    unsigned int managed = 0;
    if (variable->managed == NULL) continue;
    CUresult result = cuModuleGetGlobal_v2(&address, NULL, module, variable->name);
    if (result == CUDA_SUCCESS)
      result = cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, address);
    if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
    if (managed == 0) {
      vgpu_log("managed variable %s: its device shares no memory with this process", variable->name);
      return cudaErrorNotSupported;
    }
    void* pointer = (void*)(uintptr_t)address;
    vgpu_lock(&lock);
    const bool stored = vgpu_pointer_map_insert(&variables, pointer, variable);
    vgpu_unlock(&lock);
    if (!stored) return cudaErrorMemoryAllocation;
    *variable->managed = pointer;
  }
  return cudaSuccess;
}

// Under `loading`: the module of the binary in the context.
static cudaError_t load_module(struct vgpu_fat_binary* binary, CUcontext context, CUmodule* module) {
  vgpu_lock(&lock);
  *module = find_loaded(&binary->modules, context);
  vgpu_unlock(&lock);
  if (*module != NULL) return cudaSuccess;
  const CUresult result = cuModuleLoadFatBinary(module, binary->image);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  const cudaError_t error = place_managed(binary, *module);
  if (error != cudaSuccess) {
    cuModuleUnload(*module);
    return error;
  }
  vgpu_lock(&lock);
  const bool stored = add_loaded(&binary->modules, context, *module);
  vgpu_unlock(&lock);
  return stored ? cudaSuccess : cudaErrorMemoryAllocation;
}

static CUresult current_context(CUcontext* context) {
  const CUresult result = vgpu_runtime_enter();
  return result == CUDA_SUCCESS ? cuCtxGetCurrent(context) : result;
}

cudaError_t vgpu_modules_load(struct vgpu_fat_binary* binary) {
  CUcontext context = NULL;
  CUmodule module = NULL;
  const CUresult result = current_context(&context);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  vgpu_lock(&loading);
  const cudaError_t error = load_module(binary, context, &module);
  vgpu_unlock(&loading);
  return error;
}

static cudaError_t load_function(struct vgpu_kernel* kernel, CUcontext context, CUfunction* function) {
  CUmodule module = NULL;
  vgpu_lock(&loading);
  cudaError_t error = load_module(kernel->binary, context, &module);
  if (error == cudaSuccess) {
    const CUresult result = cuModuleGetFunction(function, module, kernel->name);
    error = result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidDeviceFunction : vgpu_runtime_code(result);
  }
  if (error == cudaSuccess) {
    vgpu_lock(&lock);
    if (!add_loaded(&kernel->functions, context, *function)) error = cudaErrorMemoryAllocation;
    vgpu_unlock(&lock);
  }
  vgpu_unlock(&loading);
  return error;
}

cudaError_t vgpu_modules_function(const void* entry, CUfunction* function) {
  CUcontext context = NULL;
  CUresult result = current_context(&context);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  vgpu_lock(&lock);
  struct vgpu_kernel* kernel = vgpu_pointer_map_find(&kernels, entry);
  *function = kernel == NULL ? NULL : find_loaded(&kernel->functions, context);
  vgpu_unlock(&lock);
  if (kernel == NULL) return cudaErrorInvalidDeviceFunction;
  if (kernel->binary == NULL)
    return vgpu_runtime_code(cuKernelGetFunction(function, (CUkernel)(uintptr_t)kernel->host_function));
  return *function != NULL ? cudaSuccess : load_function(kernel, context, function);
}

cudaError_t vgpu_modules_variable(const void* host_variable, CUdeviceptr* address, size_t* bytes) {
  CUcontext context = NULL;
  CUmodule module = NULL;
  CUresult result = current_context(&context);
  if (result != CUDA_SUCCESS) return vgpu_runtime_code(result);
  vgpu_lock(&lock);
  const struct variable* variable = vgpu_pointer_map_find(&variables, host_variable);
  vgpu_unlock(&lock);
  if (variable == NULL) return cudaErrorInvalidSymbol;
  vgpu_lock(&loading);
  const cudaError_t error = load_module(variable->binary, context, &module);
  vgpu_unlock(&loading);
  if (error != cudaSuccess) return error;
  result = cuModuleGetGlobal_v2(address, bytes, module, variable->name);
  return result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidSymbol : vgpu_runtime_code(result);
}

void vgpu_modules_forget(CUcontext context) {
  vgpu_lock(&lock);
  for (struct vgpu_fat_binary* binary = binaries; binary != NULL; binary = binary->next) {
    forget_loaded(&binary->modules, context);
    for (struct vgpu_kernel* kernel = binary->kernels; kernel != NULL; kernel = kernel->next) {
      forget_loaded(&kernel->functions, context);
    }
  }
  vgpu_unlock(&lock);
}

void vgpu_modules_forget_all(void) {
  for (struct vgpu_fat_binary* binary = binaries; binary != NULL; binary = binary->next) {
    binary->modules.count = 0;
    for (struct vgpu_kernel* kernel = binary->kernels; kernel != NULL; kernel = kernel->next) {
      kernel->functions.count = 0;
    }
  }
  vgpu_lock_forget(&loading);
  vgpu_lock_forget(&lock);
}
