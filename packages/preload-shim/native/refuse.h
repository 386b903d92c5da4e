#ifndef VGPU_REFUSE_H
#define VGPU_REFUSE_H

// Says in the log that the program called a function that is not implemented. Returns
// CUDA_ERROR_NOT_SUPPORTED, which is the runtime API's code too; a runtime function also leaves it as the
// thread's last error. A function of cuBLAS returns CUBLAS_STATUS_NOT_SUPPORTED, one of
// NVML NVML_ERROR_NOT_SUPPORTED.
int vgpu_refuse(const char* name);

#endif
