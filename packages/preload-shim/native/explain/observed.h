// What can be seen of a process or a program from outside.

#ifndef VGPU_EXPLAIN_OBSERVED_H
#define VGPU_EXPLAIN_OBSERVED_H

#include "start/facts.h"

enum { OBSERVED_NAME = 4096, OBSERVED_ENVIRONMENT = 1 << 18, OBSERVED_VARIABLES = 1 << 14 };

struct observed {
  struct vgpu_process_facts facts;
  const char* configuration_path;
  char name[OBSERVED_NAME];
  char environment[OBSERVED_ENVIRONMENT];
  char* variables[OBSERVED_VARIABLES];
};

// All return a negative errno on failure.

int observe_process(int process, struct observed* observed);
// As the caller would start it, with the caller's environment.
int observe_program(const char* path, struct observed* observed);
// The whole file, or as much as there is room for: the number of bytes.
long read_whole(const char* path, void* bytes, unsigned long room);

#endif
