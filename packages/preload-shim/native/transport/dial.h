// Opening the socket to the executor.

#ifndef VGPU_TRANSPORT_DIAL_H
#define VGPU_TRANSPORT_DIAL_H

#include <stdint.h>

#include "transport/address.h"

// A connected socket, under a high number where that can be had, or a negative errno.
int vgpu_dial(const struct vgpu_address* address, int64_t deadline);

#endif
