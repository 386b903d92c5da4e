// Absolute paths, and whether they lie below the directory.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

_Static_assert(PATH_MAX == 4096, "record.h says 4096");

static bool is_below(const char* path) {
  const size_t length = strlen(record_directory());
  return strncmp(path, record_directory(), length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool read_link(int descriptor, char* target) {
  char name[64];
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  const ssize_t length = REAL(readlink)(name, target, PATH_MAX - 1);
  if (length < 0) return false;
  target[length] = '\0';
  return true;
}

bool recorded_descriptor_path(int descriptor, char target[static 4096]) {
  return read_link(descriptor, target) && is_below(target);
}

bool recorded_path(int directory, const char* path, char target[static 4096]) {
  char absolute[2 * PATH_MAX];
  char base[PATH_MAX] = "";
  if (path[0] != '/') {
    const bool known = directory == AT_FDCWD ? getcwd(base, sizeof base) != NULL : read_link(directory, base);
    if (!known) return false;
  }
  const int printed = snprintf(absolute, sizeof absolute, "%s/%s", base, path);
  if (printed < 0 || (size_t)printed >= sizeof absolute) return false;
  char* name = strrchr(absolute, '/');
  *name++ = '\0';
  char parent[PATH_MAX];
  // No such directory: the call is going to fail.
  if (!realpath(absolute[0] ? absolute : "/", parent)) return false;
  const int joined = snprintf(target, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name);
  return joined >= 0 && joined < PATH_MAX && is_below(target);
}
