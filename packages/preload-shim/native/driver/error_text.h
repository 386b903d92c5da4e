#ifndef VGPU_DRIVER_ERROR_TEXT_H
#define VGPU_DRIVER_ERROR_TEXT_H

#include "guest_api.h"

// NULL for a code that neither API knows.
const struct vgpu_error_text* vgpu_error_text_of(int code);

#endif
