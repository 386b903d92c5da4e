// Notices that this process is a forked child of the one that connected. The child has the parent's memory
// but must not use its connection, its locks may be held by threads that do not exist here, and no handle is
// its own.

#ifndef VGPU_PROCESS_H
#define VGPU_PROCESS_H

#include <stdint.h>

// Forgets the parent's state on the first call in a child; leaves errno alone. Before anything that a process
// has one of is read.
void vgpu_process_check(void);

// Begins anew after an error that ended the context or the connection: forgets all handles, and the next call
// gets a new worker. While no other thread makes calls, as the device's reset demands.
void vgpu_process_restart(void);

// Differs between a process and its children, and with each restart; what is kept per thread is compared with
// it.
uint32_t vgpu_process_generation(void);

#endif
