// The handler tables of the vector path that this file is compiled for.
#include "execution/vector/families.h"

namespace vgpu::software::VGPU_VECTOR_PATH {

HandlerTables handler_tables() {
  constexpr auto kOperations = static_cast<std::uint32_t>(Operation::count);
  static Handler full[kOperations];
  static Handler masked[kOperations];
  static const bool filled = [] {
    add_common_handlers(full, masked);
    add_elementwise_handlers(full, masked);
    add_predicate_handlers(full, masked);
    add_memory_handlers(full, masked);
    add_shuffle_handlers(full, masked);
    add_product_handlers(full, masked);
    return true;
  }();
  (void)filled;
  return {full, masked};
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
