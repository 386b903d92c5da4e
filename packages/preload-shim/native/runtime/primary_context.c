#include "runtime/primary_context.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "guest_api.h"
#include "process.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"
#include "transport/lock.h"
#include "transport/session.h"

enum { MOST_DEVICES = 64, RUNTIME_VERSION = 13000, DEVICE_FLAGS = 0xff, INIT_FLAGS_ARE_VALID = 1 };

struct thread_device {
  uint32_t generation;
  int device;
  CUcontext entered;  // the primary context that we made current, NULL when we have not
};

static struct vgpu_lock lock;
// Retained once by the runtime; NULL when not, or after cudaDeviceReset.
static _Atomic(CUcontext) primary_contexts[MOST_DEVICES];

static struct thread_device* own_device(void) {
  static _Thread_local struct thread_device own;
  const uint32_t generation = vgpu_process_generation();
  if (own.generation != generation)
    own = (struct thread_device){.generation = generation, .device = own.device};
  return &own;
}

CUresult vgpu_runtime_initialise(void) {
  CUcontext current;
  const CUresult result = cuCtxGetCurrent(&current);
  return result == CUDA_ERROR_NOT_INITIALIZED ? cuInit(0) : result;
}

CUresult vgpu_runtime_context_of(int device, CUcontext* context) {
  if (device < 0 || device >= MOST_DEVICES) return CUDA_ERROR_INVALID_DEVICE;
  *context = atomic_load(&primary_contexts[device]);
  if (*context != NULL) return CUDA_SUCCESS;
  CUresult result = CUDA_SUCCESS;
  vgpu_lock(&lock);
  *context = atomic_load(&primary_contexts[device]);
  if (*context == NULL) {
    result = cuDevicePrimaryCtxRetain(context, device);
    if (result == CUDA_SUCCESS) atomic_store(&primary_contexts[device], *context);
  }
  vgpu_unlock(&lock);
  return result;
}

static CUresult make_current(struct thread_device* own) {
  CUcontext context = NULL;
  CUresult result = vgpu_runtime_context_of(own->device, &context);
  if (result == CUDA_SUCCESS) result = cuCtxSetCurrent(context);
  if (result == CUDA_SUCCESS) own->entered = context;
  return result;
}

CUresult vgpu_runtime_enter(void) {
  CUcontext current = NULL;
  CUresult result = vgpu_runtime_sticky_error();
  if (result == CUDA_SUCCESS) result = cuCtxGetCurrent(&current);
  if (result == CUDA_ERROR_NOT_INITIALIZED) result = cuInit(0);
  if (result != CUDA_SUCCESS) return result;
  struct thread_device* own = own_device();
  // Another thread may have reset the device since: the context that we entered is then no more.
  const bool gone = current == own->entered && current != atomic_load(&primary_contexts[own->device]);
  return current != NULL && !gone ? CUDA_SUCCESS : make_current(own);
}

void vgpu_primary_contexts_forget(void) {
  for (int i = 0; i < MOST_DEVICES; ++i) atomic_store(&primary_contexts[i], NULL);
  vgpu_lock_forget(&lock);
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (count == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  // Many programs look at the number alone.
  *count = 0;
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGetCount(count);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaSetDevice(int device) {
  CUdevice found;
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGet(&found, device);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  struct thread_device* own = own_device();
  own->device = device;
  return vgpu_runtime_from_driver(make_current(own));
}

// The device of the current context, or the one whose context would be made.
static CUresult current_device(int* device) {
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuCtxGetDevice(device);
  if (result == CUDA_ERROR_INVALID_CONTEXT) {
    *device = own_device()->device;
    result = CUDA_SUCCESS;
  }
  return result;
}

cudaError_t cudaGetDevice(int* device) {
  if (device == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  return vgpu_runtime_from_driver(current_device(device));
}

cudaError_t cudaInitDevice(int device, unsigned int deviceFlags, unsigned int flags) {
  CUdevice found;
  CUcontext context;
  if ((flags & ~(unsigned int)INIT_FLAGS_ARE_VALID) != 0) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = vgpu_runtime_initialise();
  if (result == CUDA_SUCCESS) result = cuDeviceGet(&found, device);
  if (result == CUDA_SUCCESS && flags == INIT_FLAGS_ARE_VALID) {
    result = cuDevicePrimaryCtxSetFlags_v2(device, deviceFlags & DEVICE_FLAGS);
  }
  if (result == CUDA_SUCCESS) result = vgpu_runtime_context_of(device, &context);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaSetDeviceFlags(unsigned int flags) {
  int device;
  if ((flags & ~(unsigned int)DEVICE_FLAGS) != 0) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = current_device(&device);
  if (result == CUDA_SUCCESS) result = cuDevicePrimaryCtxSetFlags_v2(device, flags);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaGetDeviceFlags(unsigned int* flags) {
  int device;
  if (flags == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  CUresult result = current_device(&device);
  if (result == CUDA_SUCCESS) result = cuDevicePrimaryCtxGetState(device, flags, NULL);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDeviceReset(void) {
  int device;
  CUcontext current = NULL;
  // Then nobody can be asked, and the driver's call forgets everything by itself, this lock included.
  if (vgpu_session_is_over())
    return vgpu_runtime_from_driver(cuDevicePrimaryCtxReset_v2(own_device()->device));
  CUresult result = current_device(&device);
  if (result != CUDA_SUCCESS) return vgpu_runtime_from_driver(result);
  vgpu_lock(&lock);
  const CUcontext context = atomic_exchange(&primary_contexts[device], NULL);
  if (context != NULL) result = cuDevicePrimaryCtxReset_v2(device);
  vgpu_unlock(&lock);
  if (context == NULL) return cudaSuccess;
  vgpu_modules_forget(context);
  // The next call makes a new one.
  if (cuCtxGetCurrent(&current) == CUDA_SUCCESS && current == context) cuCtxSetCurrent(NULL);
  return vgpu_runtime_from_driver(result);
}

cudaError_t cudaDriverGetVersion(int* driverVersion) {
  if (driverVersion == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  // Without a driver the version is 0, which is no error.
  if (cuDriverGetVersion(driverVersion) != CUDA_SUCCESS) *driverVersion = 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* runtimeVersion) {
  if (runtimeVersion == NULL) return vgpu_runtime_result(cudaErrorInvalidValue);
  *runtimeVersion = RUNTIME_VERSION;
  return cudaSuccess;
}
