#include "runtime/last_error.h"

#include <stdatomic.h>

#include "guest_api.h"
#include "process.h"
#include "sticky_error.h"

struct last_error {
  uint32_t generation;
  cudaError_t error;
};

// The process generation in the upper half, the code in the lower: a forked child is not bound by it.
static _Atomic uint64_t sticky;

static struct last_error* own_last_error(void) {
  static _Thread_local struct last_error last;
  const uint32_t generation = vgpu_process_generation();
  if (last.generation != generation)
    last = (struct last_error){.generation = generation, .error = cudaSuccess};
  return &last;
}

CUresult vgpu_runtime_sticky_error(void) {
  const uint64_t value = atomic_load(&sticky);
  return value >> 32 == vgpu_process_generation() ? (CUresult)(uint32_t)value : CUDA_SUCCESS;
}

cudaError_t vgpu_runtime_result(cudaError_t error) {
  if (error == cudaSuccess) return error;
  own_last_error()->error = error;
  // The first one is the cause; later ones only repeat it.
  if (vgpu_is_sticky_error((int)error) && vgpu_runtime_sticky_error() == CUDA_SUCCESS) {
    atomic_store(&sticky, (uint64_t)vgpu_process_generation() << 32 | (uint32_t)error);
  }
  return error;
}

static bool runtime_text(int code, struct vgpu_error_text* text) {
  return vgpu_error_text_of(code, text) && text->runtime_name != NULL;
}

cudaError_t vgpu_runtime_code(CUresult result) {
  // The two APIs share their numbers where both have the error.
  struct vgpu_error_text text;
  return runtime_text((int)result, &text) ? (cudaError_t)(int)result : cudaErrorUnknown;
}

cudaError_t vgpu_runtime_from_driver(CUresult result) {
  return vgpu_runtime_result(vgpu_runtime_code(result));
}

cudaError_t cudaPeekAtLastError(void) {
  const CUresult dead = vgpu_runtime_sticky_error();
  return dead != CUDA_SUCCESS ? (cudaError_t)dead : own_last_error()->error;
}

cudaError_t cudaGetLastError(void) {
  const cudaError_t error = cudaPeekAtLastError();
  own_last_error()->error = cudaSuccess;
  return error;
}

const char* cudaGetErrorName(cudaError_t error) {
  struct vgpu_error_text text;
  return runtime_text((int)error, &text) ? text.runtime_name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  struct vgpu_error_text text;
  return runtime_text((int)error, &text) ? text.message : "unrecognized error code";
}
