#include "transport/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "start/start.h"

enum { CONNECT_TIMEOUT = 1000, SILENCE_TIMEOUT = 10000, LONGEST_TIMEOUT = 86400000 };

static bool privileged(void) {
  return getauxval(AT_SECURE) != 0;
}

// NULL for an unset or empty variable.
static const char* setting(const char* name) {
  if (privileged()) return NULL;
  const char* value = getenv(name);
  return value != NULL && *value != '\0' ? value : NULL;
}

// strtol depends on the locale, and newer headers turn it into a symbol that older libraries lack.
static int64_t milliseconds(const char* name, int64_t otherwise) {
  const char* text = setting(name);
  if (text == NULL) return otherwise;
  int64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    value = value * 10 + (*text - '0');
    if (value > LONGEST_TIMEOUT) return LONGEST_TIMEOUT;
  }
  return *text == '\0' && value > 0 ? value : otherwise;
}

bool vgpu_allowed(void) {
  if (privileged()) return false;
  const char* disable = setting("VGPU_DISABLE");
  return disable == NULL || strcmp(disable, "0") == 0;
}

bool vgpu_shared_memory_wanted(void) {
  const char* wanted = setting("VGPU_SHARED_MEMORY");
  return wanted == NULL || strcmp(wanted, "0") != 0;
}

// What the environment says, and else what the file says, where an empty text is nothing.
static const char* setting_or(const char* name, const char* configured) {
  const char* value = setting(name);
  if (value != NULL) return value;
  return *configured != '\0' && !privileged() ? configured : NULL;
}

const char* vgpu_executor_url(void) {
  return setting_or("VGPU_EXECUTOR", vgpu_configuration()->executor);
}
const char* vgpu_token_path(void) {
  return setting_or("VGPU_TOKEN_FILE", vgpu_configuration()->token_file);
}
const char* vgpu_log_path(void) {
  // That the file is bad cannot go where the file says.
  const char* otherwise = vgpu_configuration()->configured.bad ? VGPU_LOG_JOURNAL : "";
  const char* configured = vgpu_configuration()->log;
  return setting_or("VGPU_LOG", *configured != '\0' ? configured : otherwise);
}
bool vgpu_log_is_asked_for(void) {
  return setting("VGPU_LOG") != NULL;
}
int64_t vgpu_connect_timeout(void) {
  const int64_t configured = vgpu_configuration()->connect_timeout;
  return milliseconds("VGPU_CONNECT_TIMEOUT_MS", configured != 0 ? configured : CONNECT_TIMEOUT);
}
int64_t vgpu_silence_timeout(void) {
  return milliseconds("VGPU_SILENCE_TIMEOUT_MS", SILENCE_TIMEOUT);
}
