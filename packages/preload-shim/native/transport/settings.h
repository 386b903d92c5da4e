// What the environment says, and else the configuration file. Read when it is needed.

#ifndef VGPU_TRANSPORT_SETTINGS_H
#define VGPU_TRANSPORT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define VGPU_LOG_JOURNAL "journal"

// False in a program that has more rights than its caller (nothing of the environment is looked at there),
// and where VGPU_DISABLE=1 asks for it.
bool vgpu_allowed(void);

// See transport/address.h; NULL when not set.
const char* vgpu_executor_url(void);
// The file with the secret for executors on other machines; NULL when there is none.
const char* vgpu_token_path(void);
// A file, or VGPU_LOG_JOURNAL; NULL when nothing is to be logged.
const char* vgpu_log_path(void);
// Whether the environment says so.
bool vgpu_log_is_asked_for(void);
// Whether shared memory is to be asked for where the executor is on this machine.
bool vgpu_shared_memory_wanted(void);
// For connecting and the handshake together.
int64_t vgpu_connect_timeout(void);
// How long the executor may say nothing while it owes something.
int64_t vgpu_silence_timeout(void);

#endif
