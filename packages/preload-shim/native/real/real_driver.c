#include "real/real_driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_api.h"
#include "guest_entries.h"
#include "log.h"
#include "real/loader_cache.h"
#include "start/state.h"
#include "transport/session.h"

// libc has it since 2.34, in the name of an older version; before, it is there when the program has libdl,
// which a program with a driver has. Linked with a libc that lacks it, it has no version, and the loader
// takes the one that there is.
#if !__GLIBC_PREREQ(2, 34)
extern void* vgpu_dlsym(void* library, const char* name) __asm__("dlsym") __attribute__((weak));
#else
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#endif
extern void* vgpu_dlsym(void* library, const char* name) __attribute__((weak));
__asm__(".symver vgpu_dlsym, dlsym@" OLDEST);
#endif

// CHOSEN: the installed driver, whose functions are about to be entered. Whoever meets that does it too:
// waiting for the other thread could mean to wait for a lock of the loader's that this one holds.
enum { OPEN, GUEST, CHOSEN, REAL };
static _Atomic int decided = OPEN;
static _Atomic bool nvml_done;
static _Atomic bool cublas_done;

static void* symbol(void* library, const char* name) {
  return vgpu_dlsym == NULL ? NULL : vgpu_dlsym(library, name);
}

static void* open_library(const char* path, int mode) {
  const uintptr_t found = (uintptr_t)symbol(RTLD_DEFAULT, "dlopen");
  return found == 0 ? NULL : ((void* (*)(const char*, int))found)(path, mode);
}

// What an installed library is known by.
struct wanted {
  const char* name;
  const char* probe;  // one of its functions
  uintptr_t ours;     // that function of this library's
};

static bool is_ours(void* library, const struct wanted* wanted) {
  return library != NULL && (uintptr_t)symbol(library, wanted->probe) == wanted->ours;
}

// The path of the installed library; NULL when there is none. The cache may also name this library.
static const char* find_installed(const struct vgpu_loader_cache* cache, const struct wanted* wanted) {
  const char* path;
  for (unsigned int i = 0; (path = vgpu_loader_cache_find(cache, wanted->name, i)) != NULL; ++i) {
    if (!is_ours(open_library(path, RTLD_LAZY | RTLD_NOLOAD), wanted)) return path;
  }
  return NULL;
}

static void* load(const char* path, const struct wanted* wanted) {
  // By its path: by its name the loader would give us ourselves.
  void* library = open_library(path, RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL || is_ours(library, wanted) || symbol(library, wanted->probe) == NULL) {
    vgpu_log("%s cannot be loaded", path);
    return NULL;
  }
  return library;
}

// A function that the installed library lacks stays ours, and fails by itself.
static void enter(void* library, unsigned int first, unsigned int count) {
  for (unsigned int i = first; i < first + count; ++i)
    vgpu_real_functions[i] = (uintptr_t)symbol(library, vgpu_entry_name(i));
}

static void use_driver(const char* path, const struct wanted* wanted) {
  void* driver = load(path, wanted);
  if (driver == NULL) {
    atomic_store(&decided, GUEST);
    return;
  }
  enter(driver, VGPU_FIRST_DRIVER_ENTRY, VGPU_DRIVER_ENTRIES);
  vgpu_state_set(VGPU_STATE_REAL);
  if (atomic_exchange(&decided, REAL) != REAL) vgpu_log("without an executor, calls go to %s", path);
}

static void decide(void) {
  const struct wanted wanted = {"libcuda.so.1", "cuInit", (uintptr_t)cuInit};
  struct vgpu_loader_cache cache;
  vgpu_loader_cache_open(&cache, VGPU_LOADER_CACHE);
  const char* path = find_installed(&cache, &wanted);
  const CUresult result = path == NULL ? CUDA_SUCCESS : vgpu_session_connect();
  int open = OPEN;
  // An executor that is there, but of another version for example, is asked again by the call itself.
  if (result == CUDA_SUCCESS) {
    atomic_compare_exchange_strong(&decided, &open, GUEST);
  } else if (result == CUDA_ERROR_NO_DEVICE) {
    atomic_compare_exchange_strong(&decided, &open, CHOSEN);
  }
  if (path != NULL && atomic_load(&decided) == CHOSEN) use_driver(path, &wanted);
  vgpu_loader_cache_close(&cache);
}

// A library of that name that the program has brought along comes before the system's. NULL when there is
// none.
static void* find_beside(const struct wanted* wanted) {
  void* library = open_library(wanted->name, RTLD_LAZY | RTLD_NOLOAD);
  if (library != NULL && !is_ours(library, wanted)) return library;
  struct vgpu_loader_cache cache;
  vgpu_loader_cache_open(&cache, VGPU_LOADER_CACHE);
  const char* path = find_installed(&cache, wanted);
  library = path == NULL ? NULL : load(path, wanted);
  vgpu_loader_cache_close(&cache);
  return library;
}

static void enter_nvml(void) {
  const struct wanted wanted = {"libnvidia-ml.so.1", "nvmlInit_v2", (uintptr_t)nvmlInit_v2};
  void* nvml = find_beside(&wanted);
  if (nvml != NULL) enter(nvml, VGPU_FIRST_NVML_ENTRY, VGPU_NVML_ENTRIES);
}

static void enter_cublas(void) {
  struct wanted wanted = {"libcublas.so.13", "cublasCreate_v2", (uintptr_t)cublasCreate_v2};
  void* cublas = find_beside(&wanted);
  if (cublas == NULL) {
    wanted.name = "libcublas.so.12";
    cublas = find_beside(&wanted);
  }
  if (cublas != NULL) enter(cublas, VGPU_FIRST_CUBLAS_ENTRY, VGPU_CUBLAS_ENTRIES);
}

// Beside the real driver, these are used as far as they are installed. Where not, ours fail by themselves.
static void enter_beside(enum vgpu_real_library library) {
  if (library == VGPU_REAL_NVML && !atomic_load(&nvml_done)) {
    enter_nvml();
    atomic_store(&nvml_done, true);
  } else if (library == VGPU_REAL_CUBLAS && !atomic_load(&cublas_done)) {
    enter_cublas();
    atomic_store(&cublas_done, true);
  }
}

void vgpu_real_decide(enum vgpu_real_library library) {
  const int known = atomic_load_explicit(&decided, memory_order_acquire);
  if (known == GUEST || (known == REAL && library == VGPU_REAL_DRIVER)) return;
  const int saved_errno = errno;
  if (known != REAL) decide();
  if (atomic_load(&decided) == REAL) enter_beside(library);
  errno = saved_errno;
}
