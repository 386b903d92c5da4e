// Calls that change files or names in ways that are not recorded: on a file of ours they end the process.
// Calls that are missing here altogether are found when the file is compared with what the log amounts to.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

static void refuse_path(int directory, const char* path, const char* call) {
  if (!record_begin()) return;
  char absolute[4096];
  if (recorded_path(directory, path, absolute)) record_die("%s: %s is not recorded", absolute, call);
  record_end();
}

static void refuse_descriptor(int descriptor, const char* call) {
  if (!is_regular(descriptor) || !record_begin()) return;
  const struct tracked_file* file = tracked_by_descriptor(descriptor);
  if (file) record_die("%s on file %llu is not recorded", call, (unsigned long long)file->id);
  record_end();
}

EXPORT int truncate(const char* path, off_t size) {
  refuse_path(AT_FDCWD, path, "truncate");
  return REAL(truncate)(path, size);
}

EXPORT int truncate64(const char* path, off64_t size) {
  return truncate(path, size);
}

EXPORT int mkdir(const char* path, mode_t mode) {
  refuse_path(AT_FDCWD, path, "mkdir");
  return REAL(mkdir)(path, mode);
}

EXPORT int mkdirat(int directory, const char* path, mode_t mode) {
  refuse_path(directory, path, "mkdirat");
  return REAL(mkdirat)(directory, path, mode);
}

EXPORT int rmdir(const char* path) {
  refuse_path(AT_FDCWD, path, "rmdir");
  return REAL(rmdir)(path);
}

EXPORT int symlink(const char* target, const char* path) {
  refuse_path(AT_FDCWD, path, "symlink");
  return REAL(symlink)(target, path);
}

EXPORT int symlinkat(const char* target, int directory, const char* path) {
  refuse_path(directory, path, "symlinkat");
  return REAL(symlinkat)(target, directory, path);
}

/** stdio writes without calling anything that can be seen. */
EXPORT FILE* fopen(const char* path, const char* mode) {
  if (mode[0] != 'r' || mode[1] == '+') refuse_path(AT_FDCWD, path, "fopen");
  return REAL(fopen)(path, mode);
}

EXPORT FILE* fopen64(const char* path, const char* mode) {
  return fopen(path, mode);
}

EXPORT FILE* fdopen(int descriptor, const char* mode) {
  if (mode[0] != 'r' || mode[1] == '+') refuse_descriptor(descriptor, "fdopen");
  return REAL(fdopen)(descriptor, mode);
}

EXPORT ssize_t pwritev2(int descriptor, const struct iovec* parts, int count, off_t offset, int flags) {
  refuse_descriptor(descriptor, "pwritev2");
  return REAL(pwritev2)(descriptor, parts, count, offset, flags);
}

EXPORT ssize_t sendfile(int to, int from, off_t* offset, size_t length) {
  refuse_descriptor(to, "sendfile");
  return REAL(sendfile)(to, from, offset, length);
}

EXPORT ssize_t sendfile64(int to, int from, off64_t* offset, size_t length) {
  return sendfile(to, from, offset, length);
}

EXPORT ssize_t splice(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t length,
                      unsigned flags) {
  refuse_descriptor(to, "splice");
  return REAL(splice)(from, from_offset, to, to_offset, length, flags);
}

EXPORT int ioctl(int descriptor, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == FICLONE || request == FICLONERANGE) refuse_descriptor(descriptor, "FICLONE");
  return REAL(ioctl)(descriptor, request, argument);
}
