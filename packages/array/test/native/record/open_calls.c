// Calls that open files.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

static void record_opened(int descriptor, const char* path, bool existed, int flags) {
  if (!is_regular(descriptor)) return;
  struct tracked_file* file = find_tracked(descriptor);
  if (!file) {
    file = track(descriptor);
    const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    // A name may be a symbolic link.
    char resolved[4096];
    const bool inside = recorded_descriptor_path(descriptor, resolved);
    if (!inside) record_die("%s leads out of the directory", path);
    record_write(&(struct record){
        .kind = unnamed   ? RECORD_UNNAMED
                : existed ? RECORD_OPEN
                          : RECORD_CREATE,
        .file = file->id,
        .path = unnamed ? NULL : resolved,
    });
  }
  if (flags & O_TRUNC) {
    record_write(&(struct record){.kind = RECORD_RESIZE, .file = file->id, .first = 0});
    refresh(file, 0, 0);
  }
}

static int open_recorded(int directory, const char* path, int flags, mode_t mode) {
  if (!record_begin()) return REAL(openat)(directory, path, flags, mode);
  char absolute[4096];
  const bool ours = recorded_path(directory, path, absolute);
  struct stat before;
  if (ours) record_mapped_writes(NULL);
  const bool existed = ours && fstatat(directory, path, &before, 0) == 0;
  const int descriptor = REAL(openat)(directory, path, flags, mode);
  const int error = errno;
  if (ours && descriptor >= 0) record_opened(descriptor, absolute, existed, flags);
  record_end();
  errno = error;
  return descriptor;
}

static bool takes_mode(int flags) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_ARGUMENT(flags, mode)    \
  mode_t mode = 0;                    \
  if (takes_mode(flags)) {            \
    va_list arguments;                \
    va_start(arguments, flags);       \
    mode = va_arg(arguments, mode_t); \
    va_end(arguments);                \
  }

#define EXPORT __attribute__((visibility("default")))

EXPORT int open(const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_recorded(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_recorded(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int directory, const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_recorded(directory, path, flags, mode);
}

EXPORT int openat64(int directory, const char* path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return open_recorded(directory, path, flags, mode);
}

EXPORT int creat(const char* path, mode_t mode) {
  return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

// What fortified callers use.
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags);

EXPORT int __open_2(const char* path, int flags) {
  return open_recorded(AT_FDCWD, path, flags, 0);
}
EXPORT int __open64_2(const char* path, int flags) {
  return open_recorded(AT_FDCWD, path, flags, 0);
}
EXPORT int __openat_2(int directory, const char* path, int flags) {
  return open_recorded(directory, path, flags, 0);
}
EXPORT int __openat64_2(int directory, const char* path, int flags) {
  return open_recorded(directory, path, flags, 0);
}
