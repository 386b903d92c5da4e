// What a program's constructors registered: fat binaries, and which host function or variable stands for
// which kernel or device variable. Nothing is loaded before it is used.

#ifndef VGPU_RUNTIME_MODULES_H
#define VGPU_RUNTIME_MODULES_H

#include <stdbool.h>

#include "cuda_abi.h"

struct vgpu_fat_binary;
struct vgpu_kernel;

// NULL when there is no memory.
struct vgpu_fat_binary* vgpu_modules_add(const void* image);
void vgpu_modules_add_kernel(struct vgpu_fat_binary* binary, const void* host_function, const char* name);
void vgpu_modules_add_variable(struct vgpu_fat_binary* binary, const void* host_variable, const char* name,
                               size_t bytes);
// `*host_pointer` becomes the variable's address when the binary is loaded.
void vgpu_modules_add_managed(struct vgpu_fat_binary* binary, void** host_pointer, const char* name,
                              size_t bytes);
void vgpu_modules_remove(struct vgpu_fat_binary* binary);

// Lets the kernel of a library be used as an entry below. False when there is no memory.
bool vgpu_modules_add_library_kernel(CUkernel kernel);

// Loads the binary in the calling thread's current context, if it is not there yet.
cudaError_t vgpu_modules_load(struct vgpu_fat_binary* binary);

// `entry` is a registered host function, or a kernel that this function returned before; NULL when it is
// neither.
struct vgpu_kernel* vgpu_modules_kernel(const void* entry);

// In the calling thread's current context, loading the module the first time. cudaErrorInvalidDeviceFunction
// and cudaErrorInvalidSymbol for what nobody registered; the error is not remembered as the last one.
cudaError_t vgpu_modules_function(const void* entry, CUfunction* function);
cudaError_t vgpu_modules_variable(const void* host_variable, CUdeviceptr* address, size_t* bytes);

// The context is gone, and with it what was loaded there.
void vgpu_modules_forget(CUcontext context);
// In a forked child: see process.h. What is registered stays.
void vgpu_modules_forget_all(void);

#endif
