// Handlers that tell an observer what is about to happen and then call the ordinary ones.
#pragma once

#include "execution/warp.h"

namespace vgpu::software {

/// For Launch::tables of an observed launch; Launch::plain_tables must have those of the vector path.
HandlerTables observed_tables();

}  // namespace vgpu::software
