// The facts about a process that its class is decided from, as far as they are gathered in the same way from
// inside and from outside.

#ifndef VGPU_START_FACTS_H
#define VGPU_START_FACTS_H

#include <stdint.h>

#include "start/classify.h"

// What of the environment is looked at when a program starts. Entries are NAME=value, the last one NULL;
// nothing is copied.
struct vgpu_start_environment {
  const char* disable;             // VGPU_DISABLE
  const char* early_init;          // VGPU_EARLY_INIT
  const char* configuration_path;  // VGPU_SHIM_CONFIGURATION, or where the file always is
};

struct vgpu_start_environment vgpu_start_environment(char* const* entries);

// Whether a process with that parent does the kernel's own work: loads a module, takes a core dump.
bool vgpu_started_by_kernel(uint32_t parent);

#endif
