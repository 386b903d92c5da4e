#include "transport/program_memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "transport/session.h"
#include "transport/system.h"

// Since Linux 5.14; older headers lack them.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGE = 4096 };

// The byte goes through the kernel, which notices when it cannot.
static bool try_byte(uintptr_t address, bool writing) {
  const int file = (int)syscall(SYS_memfd_create, "vgpu-probe", 1U /* closed by exec */);
  if (file < 0) return false;
  bool accessible = syscall(SYS_pwrite64, file, (void*)address, 1, 0) == 1;
  // Back comes what was there: another thread's write in between may be lost, but the copy will overwrite it
  // anyway.
  if (accessible && writing) accessible = syscall(SYS_pread64, file, (void*)address, 1, 0) == 1;
  vgpu_close(file);
  return accessible;
}

static bool is_accessible(uintptr_t address, bool writing) {
  const uintptr_t page = address - address % PAGE;
  if (syscall(SYS_madvise, page, PAGE, writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0) return true;
  // So say kernels without that advice, a page without permission, and a device's memory, which is no bad
  // memory.
  return errno == EINVAL && try_byte(address, writing);
}

// Without holes, and with permission at both ends. Asking for each page would take half as long as the copy.
static bool is_range_accessible(uintptr_t first, size_t length, bool writing) {
  const uintptr_t last = first + length - 1;
  if (last < first || !is_accessible(first, writing) || !is_accessible(last, writing)) return false;
  const uintptr_t page = first - first % PAGE;
  // Does nothing but look whether everything there is mapped (msync(2), notes).
  return syscall(SYS_msync, page, last - page + 1, MS_ASYNC) == 0;
}

static bool has(uintptr_t first, size_t length, bool writing) {
  if (length == 0) return true;
  const int saved_errno = errno;
  const bool accessible = is_range_accessible(first, length, writing);
  errno = saved_errno;
  return accessible;
}

bool vgpu_program_memory_has(const void* bytes, size_t length) {
  return has((uintptr_t)bytes, length, false);
}

static CUresult check(uintptr_t first, size_t length, bool writing) {
  if (!vgpu_session_shares_memory() || has(first, length, writing)) return CUDA_SUCCESS;
  vgpu_log("a copy of %zu bytes: the program's memory cannot be %s", length, writing ? "written" : "read");
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult vgpu_program_memory_readable(const void* bytes, size_t length) {
  return check((uintptr_t)bytes, length, false);
}

CUresult vgpu_program_memory_writable(void* bytes, size_t length) {
  return check((uintptr_t)bytes, length, true);
}
