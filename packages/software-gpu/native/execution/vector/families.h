// Each family of operations adds its handlers to the tables of the vector path that it is compiled for.
#pragma once

#include "execution/warp.h"

namespace vgpu::software::VGPU_VECTOR_PATH {

void add_elementwise_handlers(Handler* full, Handler* masked);
void add_predicate_handlers(Handler* full, Handler* masked);
void add_memory_handlers(Handler* full, Handler* masked);
void add_shuffle_handlers(Handler* full, Handler* masked);
void add_product_handlers(Handler* full, Handler* masked);

}  // namespace vgpu::software::VGPU_VECTOR_PATH
