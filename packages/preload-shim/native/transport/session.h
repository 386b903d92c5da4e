// The one connection of this process: opened by cuInit, shared by all threads. Once it broke, it is opened
// again when the program resets the device (vgpu_process_restart), and not before. How far it is,
// start/state.h tells.

#ifndef VGPU_TRANSPORT_SESSION_H
#define VGPU_TRANSPORT_SESSION_H

#include <stdbool.h>

#include "transport/connection.h"

// cuInit. CUDA_SUCCESS when there is a connection.
CUresult vgpu_session_initialise(void);

// The same without cuInit's promise: whether there is an executor.
CUresult vgpu_session_connect(void);

// For the constructor: asks the executor for its devices, and hangs up. Within the connect timeout.
void vgpu_session_probe(void);

// CUDA_SUCCESS when calls can be made: CUDA_ERROR_NOT_INITIALIZED before cuInit, CUDA_ERROR_MPS_RPC_FAILURE
// for good after the executor died. A forked child of an initialised process connects here.
CUresult vgpu_session_check(void);

// Whether the connection's bytes go through shared memory.
bool vgpu_session_shares_memory(void);

// What the executor said in the handshake; only after a successful check.
const struct vgpu_snapshot* vgpu_session_snapshot(void);
// CUDA_ERROR_INVALID_DEVICE for a number that is none, otherwise as vgpu_session_check.
CUresult vgpu_session_device(CUdevice number, const struct vgpu_device** device);
// Of the executor that there is or was, also when the session is over.
bool vgpu_session_has_device(CUdevice number);

// Takes the connection for one exchange; on success vgpu_session_release must follow.
CUresult vgpu_session_acquire(struct vgpu_stream** stream);
void vgpu_session_release(void);
// Ends the acquired connection for good after `status` (a negative errno) during `call`.
CUresult vgpu_session_break(uint32_t call, int status);

// The file that came with the last response; the caller's to close. A negative errno when none came.
int vgpu_session_take_passed(void);

// The error that ended the context, so that calls which get no response can report it; CUDA_SUCCESS while it
// lives.
CUresult vgpu_session_context_error(void);
// Looks at the result of a call.
void vgpu_session_note(CUresult result);

// Whether no call can succeed any more: the connection is lost, or the context is dead.
bool vgpu_session_is_over(void);
// Closes the connection, when the call that another thread may be in has ended.
void vgpu_session_end(void);

// In a forked child: see process.h.
void vgpu_session_forget(void);

#endif
