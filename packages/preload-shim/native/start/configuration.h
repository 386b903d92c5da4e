// /etc/vgpu/shim.conf: lines of `key = value`; '#' begins a comment.
//
//   executor = unix:/run/vgpu/executor.sock     as VGPU_EXECUTOR
//   token-file = /etc/vgpu/token                as VGPU_TOKEN_FILE
//   log = journal                               as VGPU_LOG: a file, or the journal
//   connect-timeout-ms = 1000                   as VGPU_CONNECT_TIMEOUT_MS
//   deny = name other-name*                     programs that never have a device; may be repeated
//   early-init = name                           programs that look for the executor when they start

#ifndef VGPU_START_CONFIGURATION_H
#define VGPU_START_CONFIGURATION_H

#include <stdint.h>

#include "start/classify.h"

#define VGPU_CONFIGURATION_PATH "/etc/vgpu/shim.conf"

enum { VGPU_CONFIGURATION_MOST = 64 * 1024, VGPU_CONFIGURATION_VALUE = 256 };

// Texts are empty where nothing is said.
struct vgpu_configuration {
  struct vgpu_configured configured;
  int64_t connect_timeout;  // milliseconds; 0 where nothing is said
  char executor[VGPU_CONFIGURATION_VALUE];
  char token_file[VGPU_CONFIGURATION_VALUE];
  char log[VGPU_CONFIGURATION_VALUE];
  // Of a bad file: what is wrong with it, and in which line; 0 when it is not about one.
  const char* problem;
  unsigned int line;
};

// Reads what the file says about the program `name`. A file that is not there says nothing. One that has any
// mistake is bad as a whole, and says nothing either. Neither allocates nor blocks.
void vgpu_configuration_read(const char* path, const char* name, struct vgpu_configuration* configuration);

#endif
