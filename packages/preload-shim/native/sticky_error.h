#ifndef VGPU_STICKY_ERROR_H
#define VGPU_STICKY_ERROR_H

#include <stdbool.h>

// Whether the code, of either API, means that the context is dead: every later call then fails in the same
// way.
bool vgpu_is_sticky_error(int code);

#endif
