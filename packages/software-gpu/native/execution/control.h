// The handlers that are compiled once and serve every vector path, family by family.
#pragma once

#include "execution/warp.h"

namespace vgpu::software {

void add_control_handlers(Handler* table);
void add_vote_handlers(Handler* table);          // vote, match, redux
void add_matrix_handlers(Handler* table);        // matrices between memory and registers
void add_asynchronous_handlers(Handler* table);  // cp.async and mbarrier
void add_access_handlers(Handler* table);        // fences, parameters of functions, address spaces
void add_atomic_handlers(Handler* table);
void add_texture_handlers(Handler* table);
void add_runtime_handlers(Handler* table);     // printf, assert, malloc, free
void add_conversion_handlers(Handler* table);  // cvt in general, arithmetic with a rounding mode

}  // namespace vgpu::software
