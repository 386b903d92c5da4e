// What memory an instruction is about to touch.
#pragma once

#include "execution/observer.h"

namespace vgpu::software {

/// Tells every access of the instruction and returns the active lanes of which all may be made.
LaneMask tell_accesses(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& instruction);

/// Whether the instruction makes sense only for all lanes of a warp: those on matrices.
bool takes_whole_warp(Operation operation);

}  // namespace vgpu::software
