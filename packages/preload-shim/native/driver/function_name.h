// The names of kernels, as cuFuncGetName tells them.

#ifndef VGPU_DRIVER_FUNCTION_NAME_H
#define VGPU_DRIVER_FUNCTION_NAME_H

// In a forked child: see process.h.
void vgpu_function_names_forget(void);

#endif
