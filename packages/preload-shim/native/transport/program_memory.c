#include "transport/program_memory.h"

#include <errno.h>
#include <stdbool.h>
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

// One byte of each page goes through the kernel, which notices when it cannot.
static bool try_pages(uintptr_t first, uintptr_t end, bool writing) {
  const int file = (int)syscall(SYS_memfd_create, "vgpu-probe", 1U /* close on exec */);
  if (file < 0) return false;
  bool accessible = true;
  for (uintptr_t at = first; accessible && at < end; at += PAGE - at % PAGE) {
    accessible = syscall(SYS_pwrite64, file, (void*)at, 1, 0) == 1;
    // Writing back what was there would lose what another thread writes meanwhile; but it is about to be lost
    // anyway.
    if (accessible && writing) accessible = syscall(SYS_pread64, file, (void*)at, 1, 0) == 1;
  }
  vgpu_close(file);
  return accessible;
}

static bool is_accessible(uintptr_t first, size_t length, bool writing) {
  if (first + length < first) return false;
  const uintptr_t begin = first - first % PAGE;
  const size_t pages = (first + length - begin + PAGE - 1) / PAGE * PAGE;
  if (syscall(SYS_madvise, begin, pages, writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
    return true;
  // Kernels without that advice say EINVAL, and so do memory of devices, which is no bad memory, and pages
  // without permission.
  return (errno == EINVAL || errno == EAGAIN) && try_pages(first, first + length, writing);
}

static CUresult check(uintptr_t first, size_t length, bool writing) {
  if (length == 0 || !vgpu_session_shares_memory()) return CUDA_SUCCESS;
  const int saved_errno = errno;
  const bool accessible = is_accessible(first, length, writing);
  errno = saved_errno;
  if (accessible) return CUDA_SUCCESS;
  vgpu_log("a copy of %zu bytes: the program's memory cannot be %s", length, writing ? "written" : "read");
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult vgpu_program_memory_readable(const void* bytes, size_t length) {
  return check((uintptr_t)bytes, length, false);
}

CUresult vgpu_program_memory_writable(void* bytes, size_t length) {
  return check((uintptr_t)bytes, length, true);
}
