// Finds the guest's functions, in the file beside this library.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"

static const char kGuest[] = "libvgpu_cuda.so";

static void* open_guest(void) {
  static _Atomic(void*) opened;
  if (opened != NULL) return opened;
  Dl_info self;
  char path[PATH_MAX];
  if (dladdr((const void*)&vgpu_trace_functions, &self) == 0) return NULL;
  const size_t length = strlen(self.dli_fname);
  if (length >= sizeof(path)) return NULL;
  memcpy(path, self.dli_fname, length + 1);
  char* name = strrchr(path, '/');
  name = name == NULL ? path : name + 1;
  if ((size_t)(name - path) + sizeof(kGuest) > sizeof(path)) return NULL;
  memcpy(name, kGuest, sizeof(kGuest));
  // By its path: by its name the loader would give us ourselves.
  opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return opened;
}

static void* target_of(unsigned int index) {
  // Several threads may look the same function up; they find the same.
  void* target = vgpu_trace_targets[index];
  if (target != NULL) return target;
  const struct vgpu_trace_function* function = &vgpu_trace_functions[index];
  void* guest = open_guest();
  if (guest != NULL) {
    target =
        function->node == NULL ? dlsym(guest, function->name) : dlvsym(guest, function->name, function->node);
  }
  vgpu_trace_targets[index] = target;
  return target;
}

void* vgpu_trace_target(unsigned int index) {
  void* target = target_of(index);
  if (target != NULL) return target;
  const char* reason = dlerror();
  (void)fprintf(stderr, "vgpu trace: no %s to hand calls on to: %s\n", vgpu_trace_functions[index].name,
                reason == NULL ? "the guest library is not beside this one" : reason);
  abort();
}

void vgpu_trace_redirect(void** function) {
  if (function == NULL || *function == NULL) return;
  for (unsigned int i = 0; i < vgpu_trace_function_count; ++i) {
    if (target_of(i) != *function) continue;
    memcpy(function, &vgpu_trace_wrappers[i], sizeof(*function));
    return;
  }
}
