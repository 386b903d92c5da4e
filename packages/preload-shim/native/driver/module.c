// Loading modules: the guest finds out how long the image is, the executor does the rest.
#include "driver/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "driver/context_stack.h"
#include "driver/image.h"
#include "guest_api.h"
#include "log.h"
#include "transport/session.h"
#include "transport/system.h"

static CUresult load(CUmodule* module, const void* image, size_t available) {
  struct vgpu_image measured;
  if (module == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS && vgpu_context_current() == NULL) result = CUDA_ERROR_INVALID_CONTEXT;
  if (result == CUDA_SUCCESS) result = vgpu_image_measure(image, available, &measured);
  return result == CUDA_SUCCESS ? vgpuModuleLoad(module, measured.bytes, measured.length) : result;
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return load(module, image, SIZE_MAX);
}

CUresult cuModuleLoadFatBinary(CUmodule* module, const void* fatCubin) {
  return load(module, fatCubin, SIZE_MAX);
}

static CUresult read_file(int file, char** bytes, size_t* length) {
  const int64_t size = vgpu_file_bytes(file);
  if (size < 0) return CUDA_ERROR_FILE_NOT_FOUND;
  if (size > VGPU_FRAME_PAYLOAD_LIMIT) return CUDA_ERROR_INVALID_IMAGE;
  char* content = malloc((size_t)size + 1);
  if (content == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  size_t filled = 0;
  while (filled < (size_t)size) {
    const long got = vgpu_read(file, content + filled, (size_t)size - filled);
    if (got == -EINTR) continue;
    if (got < 0) {
      free(content);
      return CUDA_ERROR_FILE_NOT_FOUND;
    }
    if (got == 0) break;  // the file has become shorter
    filled += (size_t)got;
  }
  content[filled] = '\0';
  *bytes = content;
  *length = filled + 1;
  return CUDA_SUCCESS;
}

CUresult vgpu_read_module_file(const char* name, char** bytes, size_t* length) {
  const int saved_errno = errno;
  CUresult result = CUDA_ERROR_FILE_NOT_FOUND;
  const int file = vgpu_open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  if (file >= 0) {
    result = read_file(file, bytes, length);
    vgpu_close(file);
  }
  errno = saved_errno;
  return result;
}

CUresult cuModuleLoad(CUmodule* module, const char* fname) {
  char* bytes = NULL;
  size_t length = 0;
  if (module == NULL || fname == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_read_module_file(fname, &bytes, &length);
  if (result == CUDA_SUCCESS) result = load(module, bytes, length);
  free(bytes);
  return result;
}

// Options that ask for a log get an empty one; options that only steer optimisation may be ignored.
static CUresult apply_option(CUjit_option option, void** value) {
  switch (option) {
    case CU_JIT_WALL_TIME:
      *(float*)value = 0;
      return CUDA_SUCCESS;
    case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
    case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
      // In: the buffer's size; out: how much of it was filled.
      *value = NULL;
      return CUDA_SUCCESS;
    case CU_JIT_INFO_LOG_BUFFER:
    case CU_JIT_ERROR_LOG_BUFFER:
    case CU_JIT_MAX_REGISTERS:
    case CU_JIT_THREADS_PER_BLOCK:
    case CU_JIT_OPTIMIZATION_LEVEL:
    case CU_JIT_TARGET_FROM_CUCONTEXT:
    case CU_JIT_TARGET:
    case CU_JIT_FALLBACK_STRATEGY:
    case CU_JIT_GENERATE_DEBUG_INFO:
    case CU_JIT_LOG_VERBOSE:
    case CU_JIT_GENERATE_LINE_INFO:
    case CU_JIT_CACHE_MODE:
    case CU_JIT_NEW_SM3X_OPT:
    case CU_JIT_FAST_COMPILE:
    case CU_JIT_MIN_CTA_PER_SM:
    case CU_JIT_MAX_THREADS_PER_BLOCK:
    case CU_JIT_SPLIT_COMPILE:
      return CUDA_SUCCESS;
    default:
      // Changes what the code does or what the caller gets back.
      vgpu_log("cuModuleLoadDataEx with option %d is not implemented", (int)option);
      return CUDA_ERROR_NOT_SUPPORTED;
  }
}

static size_t log_bytes(unsigned int count, const CUjit_option* options, void* const* values,
                        CUjit_option wanted) {
  for (unsigned int i = 0; i < count; ++i) {
    if (options[i] == wanted) return (size_t)(uintptr_t)values[i];
  }
  return 0;
}

CUresult vgpu_jit_options(unsigned int count, const CUjit_option* options, void** values) {
  if (count != 0 && (options == NULL || values == NULL)) return CUDA_ERROR_INVALID_VALUE;
  const size_t info = log_bytes(count, options, values, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
  const size_t error = log_bytes(count, options, values, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
  for (unsigned int i = 0; i < count; ++i) {
    char* buffer = values[i];
    if (options[i] == CU_JIT_INFO_LOG_BUFFER && buffer != NULL && info > 0) *buffer = '\0';
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER && buffer != NULL && error > 0) *buffer = '\0';
    const CUresult result = apply_option(options[i], &values[i]);
    if (result != CUDA_SUCCESS) return result;
  }
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned int numOptions,
                            CUjit_option* options, void** optionValues) {
  const CUresult result = vgpu_jit_options(numOptions, options, optionValues);
  return result == CUDA_SUCCESS ? load(module, image, SIZE_MAX) : result;
}
