// Telling device addresses from host addresses.

#ifndef VGPU_DRIVER_ADDRESS_H
#define VGPU_DRIVER_ADDRESS_H

#include <stdbool.h>

#include "cuda_abi.h"

// Whether the address lies in the range that a device hands out addresses from; which one, goes to *device
// (may be NULL). Only after a successful vgpu_session_check.
bool vgpu_is_device_address(CUdeviceptr address, CUdevice* device);

#endif
