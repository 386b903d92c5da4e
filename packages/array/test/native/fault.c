// A library to preload into a test: counts the system calls that the process makes on files below one
// directory, and lets one of them fail.
//
//   VGPU_FAULT_DIR       the directory
//   VGPU_FAULT_CONTROL   a file outside it, of at least sizeof(struct control) bytes, through which the test
//   gives its
//                        orders and learns what was called
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 24, TRACE_LENGTH = 2048 };

enum action {
  /** The call does nothing and fails. */
  ACTION_FAIL,
  /** The call writes or copies half of what it was asked for, at least one byte. */
  ACTION_HALF,
};

/** Known to injector.ts. */
struct control {
  /** The call with this number, from 1, does not go as it should; 0: all do. */
  uint32_t index;
  uint32_t action;
  int32_t error;
  /** All calls of the same name after it fail as well. */
  uint32_t again;
  _Atomic uint32_t count;
  uint32_t reserved[3];
  char trace[TRACE_LENGTH][NAME_BYTES];
};

static struct control* control;
static char directory[PATH_MAX];

#define EXPORT __attribute__((visibility("default")))
#define REAL(name)                                                                \
  __extension__({                                                                 \
    static __typeof__(&(name)) real_##name;                                       \
    if (!real_##name) real_##name = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name); \
    real_##name;                                                                  \
  })

static void check(bool ok, const char* what) {
  if (ok) return;
  (void)fprintf(stderr, "vgpu-fault: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void start(void) {
  const char* wanted = getenv("VGPU_FAULT_DIR");
  const char* file = getenv("VGPU_FAULT_CONTROL");
  check(wanted && file, "VGPU_FAULT_DIR and VGPU_FAULT_CONTROL must be set");
  // The directory comes and goes; its path must be free of links.
  check(strlen(wanted) < sizeof directory, wanted);
  (void)snprintf(directory, sizeof directory, "%s", wanted);
  const int descriptor = REAL(open)(file, O_RDWR | O_CLOEXEC);
  check(descriptor >= 0, file);
  control = REAL(mmap)(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  check(control != MAP_FAILED && REAL(close)(descriptor) == 0, file);
  unsetenv("LD_PRELOAD");
}

static bool is_below(const char* path) {
  const size_t length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool descriptor_is_ours(int descriptor) {
  char name[64];
  char path[PATH_MAX];
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return is_below(path);
}

static bool path_is_ours(int base, const char* path) {
  if (path[0] == '/') return is_below(path);
  char working[PATH_MAX];
  return base == AT_FDCWD ? getcwd(working, sizeof working) && is_below(working) : descriptor_is_ours(base);
}

/** Counts a call; true when it is its turn. */
static bool strikes(const char* name) {
  const uint32_t number = atomic_fetch_add(&control->count, 1) + 1;
  if (number <= TRACE_LENGTH) (void)snprintf(control->trace[number - 1], NAME_BYTES, "%s", name);
  if (control->index == 0 || number < control->index || control->index > TRACE_LENGTH) return false;
  return number == control->index ||
         (control->again && strcmp(control->trace[control->index - 1], name) == 0);
}

static bool fails(const char* name) {
  const int before = errno;
  const bool fail = strikes(name) && control->action == ACTION_FAIL;
  errno = fail ? control->error : before;
  return fail;
}

/** What is left of a length once it was the call's turn; `failed` when it is to do nothing at all. */
static size_t shortened(const char* name, size_t length, bool* failed) {
  const int before = errno;
  const bool strike = strikes(name);
  *failed = strike && control->action == ACTION_FAIL;
  errno = *failed ? control->error : before;
  return strike && length > 1 ? length / 2 : length;
}

static int open_file(int base, const char* path, int flags, mode_t mode) {
  if (path_is_ours(base, path) && fails("open")) return -1;
  return REAL(openat)(base, path, flags, mode);
}

#define MODE_ARGUMENT(flags, mode)                             \
  mode_t mode = 0;                                             \
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
    va_list arguments;                                         \
    va_start(arguments, flags);                                \
    mode = va_arg(arguments, mode_t);                          \
    va_end(arguments);                                         \
  }

EXPORT int open(const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_file(AT_FDCWD, path, flags, mode);
}
EXPORT int open64(const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_file(AT_FDCWD, path, flags, mode);
}
EXPORT int openat(int base, const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_file(base, path, flags, mode);
}
EXPORT int openat64(int base, const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_file(base, path, flags, mode);
}
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
EXPORT int __open_2(const char* path, int flags) {
  return open_file(AT_FDCWD, path, flags, 0);
}
EXPORT int __open64_2(const char* path, int flags) {
  return open_file(AT_FDCWD, path, flags, 0);
}

EXPORT ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t offset) {
  bool failed = false;
  if (descriptor_is_ours(descriptor)) length = shortened("pwrite", length, &failed);
  return failed ? -1 : REAL(pwrite)(descriptor, bytes, length, offset);
}
EXPORT ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off64_t offset) {
  return pwrite(descriptor, bytes, length, offset);
}

EXPORT ssize_t write(int descriptor, const void* bytes, size_t length) {
  bool failed = false;
  if (descriptor_is_ours(descriptor)) length = shortened("write", length, &failed);
  return failed ? -1 : REAL(write)(descriptor, bytes, length);
}

EXPORT ssize_t pread(int descriptor, void* bytes, size_t length, off_t offset) {
  bool failed = false;
  if (descriptor_is_ours(descriptor)) length = shortened("pread", length, &failed);
  return failed ? -1 : REAL(pread)(descriptor, bytes, length, offset);
}
EXPORT ssize_t pread64(int descriptor, void* bytes, size_t length, off64_t offset) {
  return pread(descriptor, bytes, length, offset);
}

EXPORT ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t length,
                               unsigned flags) {
  bool failed = false;
  if (descriptor_is_ours(to)) length = shortened("copy_file_range", length, &failed);
  return failed ? -1 : REAL(copy_file_range)(from, from_offset, to, to_offset, length, flags);
}

EXPORT int ftruncate(int descriptor, off_t size) {
  if (descriptor_is_ours(descriptor) && fails("ftruncate")) return -1;
  return REAL(ftruncate)(descriptor, size);
}
EXPORT int ftruncate64(int descriptor, off64_t size) {
  return ftruncate(descriptor, size);
}

EXPORT int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  if (descriptor_is_ours(descriptor) && fails(mode ? "fallocate-punch" : "fallocate")) return -1;
  return REAL(fallocate)(descriptor, mode, offset, length);
}
EXPORT int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  return fallocate(descriptor, mode, offset, length);
}
EXPORT int posix_fallocate(int descriptor, off_t offset, off_t length) {
  if (descriptor_is_ours(descriptor) && fails("fallocate")) return errno;
  return REAL(posix_fallocate)(descriptor, offset, length);
}
EXPORT int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  return posix_fallocate(descriptor, offset, length);
}

EXPORT void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  if (descriptor >= 0 && descriptor_is_ours(descriptor) && fails("mmap")) return MAP_FAILED;
  return REAL(mmap)(address, length, protection, flags, descriptor, offset);
}
EXPORT void* mmap64(void* address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
  return mmap(address, length, protection, flags, descriptor, offset);
}

/** Only mappings of files are flushed, and those of this process are ours. */
EXPORT int msync(void* address, size_t length, int flags) {
  return fails("msync") ? -1 : REAL(msync)(address, length, flags);
}

EXPORT int fsync(int descriptor) {
  if (!descriptor_is_ours(descriptor)) return REAL(fsync)(descriptor);
  struct stat status;
  const bool directory_flush = fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
  return fails(directory_flush ? "fsync-directory" : "fsync") ? -1 : REAL(fsync)(descriptor);
}

EXPORT int fdatasync(int descriptor) {
  return descriptor_is_ours(descriptor) && fails("fdatasync") ? -1 : REAL(fdatasync)(descriptor);
}

EXPORT int renameat2(int from_base, const char* from, int to_base, const char* to, unsigned flags) {
  if (path_is_ours(to_base, to) && fails("rename")) return -1;
  return REAL(renameat2)(from_base, from, to_base, to, flags);
}
EXPORT int renameat(int from_base, const char* from, int to_base, const char* to) {
  return renameat2(from_base, from, to_base, to, 0);
}
EXPORT int rename(const char* from, const char* to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int base, const char* path, int flags) {
  if (path_is_ours(base, path) && fails("unlink")) return -1;
  return REAL(unlinkat)(base, path, flags);
}
EXPORT int unlink(const char* path) {
  return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int linkat(int from_base, const char* from, int to_base, const char* to, int flags) {
  if (path_is_ours(to_base, to) && fails("link")) return -1;
  return REAL(linkat)(from_base, from, to_base, to, flags);
}
EXPORT int link(const char* from, const char* to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int fchmod(int descriptor, mode_t mode) {
  return descriptor_is_ours(descriptor) && fails("fchmod") ? -1 : REAL(fchmod)(descriptor, mode);
}

static int lock_or_control(int descriptor, int command, void* argument) {
  if (command == F_OFD_SETLK && descriptor_is_ours(descriptor) && fails("lock")) return -1;
  return REAL(fcntl)(descriptor, command, argument);
}

EXPORT int fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return lock_or_control(descriptor, command, argument);
}
EXPORT int fcntl64(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return lock_or_control(descriptor, command, argument);
}
