// CUDA's functions, exported from this library by their names.
#pragma once

#include "state.h"

extern "C" {
#pragma GCC visibility push(default)
#include "guest_api.h"
#pragma GCC visibility pop
}
