// A library to preload for --sabotage: some flushes say that they succeeded and do nothing. Commits are then
// acknowledged before they are durable, and the run must notice. Compiled once for each kind of sabotage.
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(NO_FLUSH)
static int skips(int file) {
  (void)file;
  return 1;
}
#elif defined(SKIP_THIRD_FLUSH)
static int skips(int file) {
  static int count;
  (void)file;
  return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % 3 == 0;
}
#elif defined(NO_DIRECTORY_FLUSH)
static int skips(int file) {
  struct stat status;
  return fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}
#endif

int fsync(int file) {
  return skips(file) ? 0 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  return skips(file) ? 0 : (int)syscall(SYS_fdatasync, file);
}

// No mapping is of a directory; the addon always flushes the file as well.
int msync(void* address, size_t length, int flags) {
  (void)address;
  (void)length;
  (void)flags;
  return 0;
}
