// The tracing library stands in the guest library's place: each CUDA function writes one line of JSON and
// hands the call on. It is a library of its own, so that without it a call costs nothing.

#ifndef VGPU_TRACE_TRACE_H
#define VGPU_TRACE_TRACE_H

#include <stdint.h>

enum vgpu_trace_kind {
  VGPU_TRACE_NOTHING,
  VGPU_TRACE_OPAQUE,  // a structure: not shown
  VGPU_TRACE_TEXT,
  VGPU_TRACE_POINTER,
  VGPU_TRACE_DIM3,
  VGPU_TRACE_I32,
  VGPU_TRACE_U8,
  VGPU_TRACE_U16,
  VGPU_TRACE_U32,
  VGPU_TRACE_U64,
  VGPU_TRACE_F32,
};

struct vgpu_trace_parameter {
  const char* name;
  uint8_t kind;
  uint8_t result;  // of what it points to once the call succeeded
};

struct vgpu_trace_function {
  const char* name;
  const char* node;  // the version node of the guest's function; NULL for none
  const char* api;
  uint8_t result;
  uint8_t parameter_count;
  const struct vgpu_trace_parameter* parameters;
};

// Generated, all in the same order.
extern const struct vgpu_trace_function vgpu_trace_functions[];
extern const unsigned int vgpu_trace_function_count;
extern _Atomic(void*) vgpu_trace_targets[];
extern void (*const vgpu_trace_wrappers[])(void);

struct vgpu_trace_call {
  void* function;  // the guest's
  unsigned int index;
  int64_t began;  // nanoseconds of a clock that nobody sets
};

// The guest's function. Ends the program with a message when the guest library cannot be opened: nothing
// could be handed on.
void* vgpu_trace_target(unsigned int index);
struct vgpu_trace_call vgpu_trace_begin(unsigned int index);
// Writes the line. `arguments` are addresses of the parameters, `result` that of the result; NULL where there
// are none. Leaves errno alone.
void vgpu_trace_end(const struct vgpu_trace_call* call, const void* const* arguments, const void* result);
// A function of the guest's that the program was given becomes the one that writes.
void vgpu_trace_redirect(void** function);

#endif
