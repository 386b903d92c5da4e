#include "start/facts.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "start/configuration.h"
#include "transport/system.h"

// One walk for all variables, since this runs in every process.
struct vgpu_start_environment vgpu_start_environment(char* const* entries) {
  static const char PREFIX[] = "VGPU_";
  struct vgpu_start_environment found = {NULL, NULL, VGPU_CONFIGURATION_PATH};
  const struct {
    const char* name;
    size_t length;
    const char** value;
  } variables[] = {{"DISABLE=", 8, &found.disable},
                   {"EARLY_INIT=", 11, &found.early_init},
                   {"SHIM_CONFIGURATION=", 19, &found.configuration_path}};
  for (; entries != NULL && *entries != NULL; ++entries) {
    if (strncmp(*entries, PREFIX, sizeof(PREFIX) - 1) != 0) continue;
    const char* name = *entries + sizeof(PREFIX) - 1;
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); ++i) {
      if (strncmp(name, variables[i].name, variables[i].length) == 0)
        *variables[i].value = name + variables[i].length;
    }
  }
  return found;
}

bool vgpu_started_by_kernel(uint32_t parent) {
  enum { KTHREADD = 2 };
  static const char NAME[] = "kthreadd\n";
  char name[sizeof(NAME)] = "";
  if (parent != KTHREADD) return false;
  // In a container the process of that number is an ordinary one.
  const int file = vgpu_open("/proc/2/comm", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const long length = vgpu_read(file, name, sizeof(name) - 1);
  vgpu_close(file);
  return length == (long)strlen(NAME) && memcmp(name, NAME, sizeof(NAME)) == 0;
}
