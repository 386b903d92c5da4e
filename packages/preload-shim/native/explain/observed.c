#include "explain/observed.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "transport/system.h"

enum { PATH_BYTES = 64, AUXILIARY_ENTRIES = 64 };

long read_whole(const char* path, void* bytes, unsigned long room) {
  const int file = vgpu_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return file;
  unsigned long length = 0;
  long count = 1;
  while (length < room && count != 0) {
    count = vgpu_read(file, (char*)bytes + length, room - length);
    if (count < 0 && count != -EINTR) break;
    if (count > 0) length += (unsigned long)count;
  }
  vgpu_close(file);
  return count < 0 ? count : (long)length;
}

static long read_of(int process, const char* what, void* bytes, unsigned long room) {
  char path[PATH_BYTES];
  snprintf(path, sizeof(path), "/proc/%d/%s", process, what);
  return read_whole(path, bytes, room);
}

static void use_environment(struct observed* observed, char* const* entries) {
  const struct vgpu_start_environment found = vgpu_start_environment(entries);
  observed->facts.disable = found.disable;
  observed->facts.early_init = found.early_init;
  observed->configuration_path = found.configuration_path;
}

static int read_environment(int process, struct observed* observed) {
  const long length = read_of(process, "environ", observed->environment, sizeof(observed->environment) - 1);
  if (length < 0) return (int)length;
  observed->environment[length] = '\0';
  size_t count = 0;
  for (char* entry = observed->environment; entry < observed->environment + length;) {
    if (count == OBSERVED_VARIABLES - 1) return -E2BIG;
    observed->variables[count++] = entry;
    entry += strlen(entry) + 1;
  }
  observed->variables[count] = NULL;
  use_environment(observed, observed->variables);
  return 0;
}

// The name that it was executed by lies in its own memory.
static int read_name(int process, uint64_t address, char name[OBSERVED_NAME]) {
  char path[PATH_BYTES];
  snprintf(path, sizeof(path), "/proc/%d/mem", process);
  const int file = vgpu_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return file;
  const ssize_t length = pread(file, name, OBSERVED_NAME - 1, (off_t)address);
  const int error = errno;
  vgpu_close(file);
  if (length < 0) return -error;
  name[length] = '\0';
  return 0;
}

static int read_auxiliary(int process, struct observed* observed) {
  Elf64_auxv_t entries[AUXILIARY_ENTRIES];
  const long length = read_of(process, "auxv", entries, sizeof(entries));
  if (length < 0) return (int)length;
  // The kernel's own threads have none.
  if (length == 0) return -ENOEXEC;
  uint64_t name = 0;
  for (size_t i = 0; i < (size_t)length / sizeof(*entries); ++i) {
    if (entries[i].a_type == AT_SECURE) observed->facts.secure = entries[i].a_un.a_val != 0;
    if (entries[i].a_type == AT_EXECFN) name = entries[i].a_un.a_val;
  }
  return name == 0 ? -ENOEXEC : read_name(process, name, observed->name);
}

static int read_parent(int process, uint32_t* parent) {
  char status[1024];
  const long length = read_of(process, "stat", status, sizeof(status) - 1);
  if (length < 0) return (int)length;
  status[length] = '\0';
  // The program's name stands in parentheses, and may contain some.
  const char* end = strrchr(status, ')');
  if (end == NULL || strlen(end) < 4) return -EPROTO;
  *parent = (uint32_t)strtoul(end + 4, NULL, 10);
  return 0;
}

int observe_process(int process, struct observed* observed) {
  uint32_t parent = 0;
  int status = read_auxiliary(process, observed);
  if (status == 0) status = read_environment(process, observed);
  if (status == 0) status = read_parent(process, &parent);
  if (status != 0) return status;
  observed->facts.name = vgpu_file_name(observed->name);
  observed->facts.started_by_kernel = vgpu_started_by_kernel(parent);
  return 0;
}

static bool gives_rights(const char* path, const struct stat* status) {
  if ((status->st_mode & S_ISUID) != 0 && status->st_uid != getuid()) return true;
  if ((status->st_mode & S_ISGID) != 0 && status->st_gid != getgid()) return true;
  return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

int observe_program(const char* path, struct observed* observed) {
  struct stat status;
  if (stat(path, &status) != 0) return -errno;
  snprintf(observed->name, sizeof(observed->name), "%s", path);
  observed->facts.name = vgpu_file_name(observed->name);
  observed->facts.secure = gives_rights(path, &status);
  use_environment(observed, environ);
  return 0;
}
