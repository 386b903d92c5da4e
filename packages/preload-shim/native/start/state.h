// Where this process stands: one atomic word, which other threads wait at, and vgpu-shim-explain reads from
// outside.
//
//   UNSEEN → DECIDING → REFUSED | DEFERRED                       the constructor
//                     → CONNECTING → READY | DEFERRED            early initialisation, within its deadline
//   DEFERRED | READY | FAILED → CONNECTING → CONNECTED | FAILED  the first CUDA call, those after a failure
//   CONNECTED → BROKEN                                           until the program resets the device
//   REFUSED | FAILED → REAL                                      calls go to an installed driver, for good
//
// A forked child starts again from DEFERRED, or from REFUSED; a program that resets a device that it has
// lost, from DEFERRED.

#ifndef VGPU_START_STATE_H
#define VGPU_START_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "start/classify.h"

enum vgpu_state {
  VGPU_STATE_UNSEEN,
  VGPU_STATE_DECIDING,
  VGPU_STATE_REFUSED,
  VGPU_STATE_DEFERRED,
  VGPU_STATE_CONNECTING,
  VGPU_STATE_READY,
  VGPU_STATE_CONNECTED,
  VGPU_STATE_FAILED,
  VGPU_STATE_BROKEN,
  VGPU_STATE_REAL,
};

// How another process finds the word in this one's memory: the state in the lowest byte, the reason for the
// class in the next.
#define VGPU_STATE_MARK "vgpu-shim-state"
struct vgpu_state_record {
  char mark[sizeof(VGPU_STATE_MARK)];
  _Atomic uint32_t word;
};

enum vgpu_state vgpu_state_now(void);
// Goes from one state to another, unless another thread was first.
bool vgpu_state_change(enum vgpu_state from, enum vgpu_state to);
// For whoever made the change to DECIDING, CONNECTING or CONNECTED.
void vgpu_state_set(enum vgpu_state state);
// Once, while DECIDING.
void vgpu_state_set_reason(enum vgpu_reason reason);
// Waits while the state is `state`, until a moment of vgpu_now(). False when that has passed.
bool vgpu_state_wait(enum vgpu_state state, int64_t deadline);

#endif
