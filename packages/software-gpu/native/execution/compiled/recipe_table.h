// How the recipes' files write their rows: the operation, then the code of a part. In it `c` is the
// generator, `p` the part and `d` the register of its result.
#pragma once

#include "execution/compiled/part.h"
#include "execution/compiled/recipes.h"

#define VGPU_RECIPE(operation, from, to, ...)                 \
  table[static_cast<std::size_t>(Operation::operation)] = {   \
      Recipe::Values::from, Recipe::Values::to, [](Part& p) { \
        [[maybe_unused]] RunCode& c = p.code();               \
        [[maybe_unused]] const Xbyak::Zmm& d = p.result();    \
        __VA_ARGS__;                                          \
      }};
/// From bits to bits, and from floats to floats.
#define VGPU_BITS(operation, ...) VGPU_RECIPE(operation, bits, bits, __VA_ARGS__)
#define VGPU_FLOATS(operation, ...) VGPU_RECIPE(operation, floats, floats, __VA_ARGS__)
