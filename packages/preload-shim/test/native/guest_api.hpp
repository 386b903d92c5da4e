// The guest's functions, for tests in C++.
#pragma once

extern "C" {
#include "guest_api.h"
#include "vgpu_protocol.h"
}
