// A machine with a GPU of its own: without an executor, calls go to the driver that is installed there, so
// that a program loses nothing because this library is loaded into it.
//
// What programs enter by (guest_entries.c) goes on to the installed library's function once its place in
// vgpu_real_functions is filled. That happens once in a process, before its first call of that library is
// carried out, or never. The runtime API stays ours: it works on top of either driver.

#ifndef VGPU_REAL_REAL_DRIVER_H
#define VGPU_REAL_REAL_DRIVER_H

enum vgpu_real_library { VGPU_REAL_DRIVER, VGPU_REAL_NVML, VGPU_REAL_CUBLAS };

// Before the first call of a library: the installed one takes the calls when there is one and no executor can
// be reached, or this process is refused. Costs a look into the loader's cache where no driver is installed.
// Leaves errno alone. Any thread, any number of times; no lock is held meanwhile, since libraries that are
// loaded run code of their own.
void vgpu_real_decide(enum vgpu_real_library library);

#endif
