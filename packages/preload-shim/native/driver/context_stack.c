#include "driver/context_stack.h"

#include "log.h"
#include "process.h"

// Programs nest a handful; a fixed size needs no destructor when the thread ends.
enum { DEPTH = 32 };

struct entry {
  CUcontext context;
  CUdevice device;
};

struct context_stack {
  uint32_t generation;
  uint32_t depth;
  struct entry entries[DEPTH];
};

static struct context_stack* own_stack(void) {
  static _Thread_local struct context_stack stack;
  const uint32_t generation = vgpu_process_generation();
  if (stack.generation != generation) {
    stack.generation = generation;
    stack.depth = 0;
  }
  return &stack;
}

CUcontext vgpu_context_current(void) {
  const struct context_stack* stack = own_stack();
  return stack->depth == 0 ? NULL : stack->entries[stack->depth - 1].context;
}

CUresult vgpu_context_current_device(CUdevice* device) {
  const struct context_stack* stack = own_stack();
  if (stack->depth == 0) return CUDA_ERROR_INVALID_CONTEXT;
  *device = stack->entries[stack->depth - 1].device;
  return CUDA_SUCCESS;
}

CUresult vgpu_context_push(CUcontext context, CUdevice device) {
  struct context_stack* stack = own_stack();
  if (stack->depth == DEPTH) {
    vgpu_log("more than %d contexts pushed by one thread", DEPTH);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  stack->entries[stack->depth++] = (struct entry){.context = context, .device = device};
  return CUDA_SUCCESS;
}

CUresult vgpu_context_pop(CUcontext* context) {
  struct context_stack* stack = own_stack();
  if (stack->depth == 0) return CUDA_ERROR_INVALID_CONTEXT;
  *context = stack->entries[--stack->depth].context;
  return CUDA_SUCCESS;
}
