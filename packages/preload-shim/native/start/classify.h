// What the library does in a process, decided from a few facts about it. Also linked into
// vgpu-shim-explain, which decides from another process's facts.

#ifndef VGPU_START_CLASSIFY_H
#define VGPU_START_CLASSIFY_H

#include <stdbool.h>

enum vgpu_class {
  VGPU_REFUSED,   // never uses an executor
  VGPU_EARLY,     // looks for the executor when the program starts
  VGPU_DEFERRED,  // does nothing before the first CUDA call
};

enum vgpu_reason {
  VGPU_BECAUSE_ORDINARY,
  VGPU_BECAUSE_SECURE,
  VGPU_BECAUSE_SYSTEM_PROGRAM,
  VGPU_BECAUSE_KERNEL_STARTED_IT,
  VGPU_BECAUSE_DISABLED,
  VGPU_BECAUSE_DENIED,
  VGPU_BECAUSE_GPU_PROGRAM,
  VGPU_BECAUSE_CONFIGURED_EARLY,
  VGPU_BECAUSE_ASKED_EARLY,
  VGPU_BECAUSE_CONFIGURATION_BAD,
};

struct vgpu_process_facts {
  bool secure;             // AT_SECURE: more rights than the caller
  bool started_by_kernel;  // a child of kthreadd
  const char* name;        // of the executed file, without its folder
  const char* disable;     // VGPU_DISABLE and VGPU_EARLY_INIT; NULL when not set
  const char* early_init;
};

// What the configuration file says about the program.
struct vgpu_configured {
  bool bad;
  bool denied;
  bool early;
};

struct vgpu_decision {
  enum vgpu_class kind;
  enum vgpu_reason reason;
};

// The file name in a path.
const char* vgpu_file_name(const char* path);
// Whether a word of a list means the program: its name, or the beginning of it followed by '*'.
bool vgpu_name_matches(const char* word, const char* name);
// Without a look at the configuration: true when *decision is final.
bool vgpu_classify_at_once(const struct vgpu_process_facts* facts, struct vgpu_decision* decision);
struct vgpu_decision vgpu_classify(const struct vgpu_process_facts* facts,
                                   const struct vgpu_configured* configured);
// A sentence's end: "refused: " what this returns.
const char* vgpu_describe_reason(enum vgpu_reason reason);

#endif
