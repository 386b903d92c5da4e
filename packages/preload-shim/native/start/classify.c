#include "start/classify.h"

#include <stddef.h>
#include <string.h>

// A machine is reached, looked after and brought up by these; none computes on a GPU.
static const char* const SYSTEM_PROGRAMS[] = {
    "init",    "systemd", "systemd-*", "(sd-*", "sshd", "sshd-*", "dbus-daemon", "dbus-broker*", "udevd",
    "udevadm", "agetty",  "getty",     "login", "sudo", "su",     "polkitd",     "cron",         "crond",
};

// They look for a GPU first of all, some of them with a time limit of their own.
static const char* const GPU_PROGRAMS[] = {"ollama", "llama-server", "ollama_llama_server"};

const char* vgpu_file_name(const char* path) {
  const char* name = path;
  for (; *path != '\0'; ++path) {
    if (*path == '/') name = path + 1;
  }
  return name;
}

bool vgpu_name_matches(const char* word, const char* name) {
  while (*word != '\0' && *word != '*' && *word == *name) {
    ++word;
    ++name;
  }
  return *word == '*' || (*word == '\0' && *name == '\0');
}

static bool is_among(const char* name, const char* const* words, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (vgpu_name_matches(words[i], name)) return true;
  }
  return false;
}

static bool is_on(const char* value) {
  return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

bool vgpu_classify_at_once(const struct vgpu_process_facts* facts, struct vgpu_decision* decision) {
  enum { SYSTEM = sizeof(SYSTEM_PROGRAMS) / sizeof(*SYSTEM_PROGRAMS) };
  decision->kind = VGPU_REFUSED;
  if (facts->secure) {
    decision->reason = VGPU_BECAUSE_SECURE;
  } else if (facts->started_by_kernel) {
    decision->reason = VGPU_BECAUSE_KERNEL_STARTED_IT;
  } else if (is_among(facts->name, SYSTEM_PROGRAMS, SYSTEM)) {
    decision->reason = VGPU_BECAUSE_SYSTEM_PROGRAM;
  } else if (is_on(facts->disable)) {
    decision->reason = VGPU_BECAUSE_DISABLED;
  } else {
    return false;
  }
  return true;
}

struct vgpu_decision vgpu_classify(const struct vgpu_process_facts* facts,
                                   const struct vgpu_configured* configured) {
  enum { GPU = sizeof(GPU_PROGRAMS) / sizeof(*GPU_PROGRAMS) };
  struct vgpu_decision decision;
  if (vgpu_classify_at_once(facts, &decision)) return decision;
  if (configured->bad) return (struct vgpu_decision){VGPU_DEFERRED, VGPU_BECAUSE_CONFIGURATION_BAD};
  if (configured->denied) return (struct vgpu_decision){VGPU_REFUSED, VGPU_BECAUSE_DENIED};
  if (is_on(facts->early_init)) return (struct vgpu_decision){VGPU_EARLY, VGPU_BECAUSE_ASKED_EARLY};
  if (configured->early) return (struct vgpu_decision){VGPU_EARLY, VGPU_BECAUSE_CONFIGURED_EARLY};
  // Set to 0 it switches off what is built in.
  if (facts->early_init == NULL && is_among(facts->name, GPU_PROGRAMS, GPU))
    return (struct vgpu_decision){VGPU_EARLY, VGPU_BECAUSE_GPU_PROGRAM};
  return (struct vgpu_decision){VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY};
}

const char* vgpu_describe_reason(enum vgpu_reason reason) {
  switch (reason) {
    case VGPU_BECAUSE_SECURE:
      return "it has more rights than its caller (AT_SECURE)";
    case VGPU_BECAUSE_SYSTEM_PROGRAM:
      return "it is a program that the system itself needs";
    case VGPU_BECAUSE_KERNEL_STARTED_IT:
      return "the kernel started it";
    case VGPU_BECAUSE_DISABLED:
      return "VGPU_DISABLE is set";
    case VGPU_BECAUSE_DENIED:
      return "the configuration denies it";
    case VGPU_BECAUSE_GPU_PROGRAM:
      return "it is known to look for a GPU when it starts";
    case VGPU_BECAUSE_CONFIGURED_EARLY:
      return "the configuration asks for early initialisation";
    case VGPU_BECAUSE_ASKED_EARLY:
      return "VGPU_EARLY_INIT is set";
    case VGPU_BECAUSE_CONFIGURATION_BAD:
      return "the configuration file is not usable, so nothing is done early";
    case VGPU_BECAUSE_ORDINARY:
      break;
  }
  return "it is an ordinary program: nothing is done before its first CUDA call";
}
