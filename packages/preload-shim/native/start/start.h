// What happens when the library is loaded: nothing in nearly all programs, and in those that look for a GPU
// at once a first, short conversation with the executor.

#ifndef VGPU_START_START_H
#define VGPU_START_START_H

#include "start/configuration.h"

// Decides for this process unless that has been done. The constructor calls it; a CUDA call does too, since
// another library's constructor may come before ours. Leaves errno alone.
void vgpu_start(void);

// In a forked child: decides anew if a thread of the parent was deciding, which does not exist here.
void vgpu_start_forget(void);

// What the file says; empty in a process that is refused. Constant once the process has been decided about.
const struct vgpu_configuration* vgpu_configuration(void);
// Only when the file is bad.
void vgpu_log_configuration_problem(void);

#endif
