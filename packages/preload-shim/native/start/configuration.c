#include "start/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "transport/system.h"

enum { LINE_BYTES = 1024, LONGEST_TIMEOUT = 86400000 };

struct reader {
  struct vgpu_configuration* into;
  const char* name;
  size_t length;
  char line[LINE_BYTES];
};

static bool is_space(char character) {
  return character == ' ' || character == '\t' || character == '\r';
}

static char* skip_spaces(char* text) {
  while (is_space(*text)) ++text;
  return text;
}

static void cut_spaces(char* text) {
  size_t length = strlen(text);
  while (length > 0 && is_space(text[length - 1])) --length;
  text[length] = '\0';
}

static const char* take_text(char destination[VGPU_CONFIGURATION_VALUE], const char* value) {
  const size_t length = strlen(value);
  if (length >= VGPU_CONFIGURATION_VALUE) return "the value is too long";
  memcpy(destination, value, length + 1);
  return NULL;
}

static const char* take_milliseconds(int64_t* destination, const char* value) {
  int64_t number = 0;
  for (; *value >= '0' && *value <= '9' && number <= LONGEST_TIMEOUT; ++value)
    number = number * 10 + (*value - '0');
  if (*value != '\0' || number < 1 || number > LONGEST_TIMEOUT) return "not a number of milliseconds";
  *destination = number;
  return NULL;
}

static const char* take_names(bool* matches, char* value, const char* name) {
  while (*value != '\0') {
    char* word = value;
    while (*value != '\0' && !is_space(*value)) ++value;
    if (*value != '\0') *value++ = '\0';
    if (vgpu_name_matches(word, name)) *matches = true;
    value = skip_spaces(value);
  }
  return NULL;
}

// Returns what is wrong, or NULL.
static const char* take_setting(struct reader* reader, const char* key, char* value) {
  struct vgpu_configuration* into = reader->into;
  if (*value == '\0') return "there is no value";
  if (strcmp(key, "executor") == 0) return take_text(into->executor, value);
  if (strcmp(key, "token-file") == 0) return take_text(into->token_file, value);
  if (strcmp(key, "log") == 0) return take_text(into->log, value);
  if (strcmp(key, "connect-timeout-ms") == 0) return take_milliseconds(&into->connect_timeout, value);
  if (strcmp(key, "deny") == 0) return take_names(&into->configured.denied, value, reader->name);
  if (strcmp(key, "early-init") == 0) return take_names(&into->configured.early, value, reader->name);
  return "there is no such setting";
}

static const char* take_line(struct reader* reader) {
  reader->line[reader->length] = '\0';
  reader->length = 0;
  char* key = skip_spaces(reader->line);
  cut_spaces(key);
  if (*key == '\0' || *key == '#') return NULL;
  char* equals = key;
  while (*equals != '=' && *equals != '\0') ++equals;
  if (*equals == '\0') return "neither a comment nor key = value";
  *equals = '\0';
  cut_spaces(key);
  return take_setting(reader, key, skip_spaces(equals + 1));
}

static const char* take_bytes(struct reader* reader, const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const char* problem = NULL;
    if (bytes[i] == '\n') {
      problem = take_line(reader);
      if (problem == NULL) ++reader->into->line;
    } else if (bytes[i] == '\0') {
      problem = "not text";
    } else if (reader->length == LINE_BYTES - 1) {
      problem = "the line is too long";
    } else {
      reader->line[reader->length++] = bytes[i];
    }
    if (problem != NULL) return problem;
  }
  return NULL;
}

static const char* describe(long status) {
  switch (-status) {
    case EACCES:
    case EPERM:
      return "it may not be read";
    case EINVAL:
      return "it is no regular file";
    default:
      return "it cannot be read";
  }
}

static const char* read_file(int file, struct reader* reader) {
  enum { CHUNK = 2048 };
  const int64_t size = vgpu_file_bytes(file);
  if (size < 0) return describe(size);
  size_t total = 0;
  reader->into->line = 1;
  for (;;) {
    char chunk[CHUNK];
    const long count = vgpu_read(file, chunk, sizeof(chunk));
    if (count == -EINTR) continue;
    if (count == 0) return reader->length == 0 ? NULL : take_line(reader);
    total += count < 0 ? 0 : (size_t)count;
    const char* problem = NULL;
    if (count < 0) problem = describe(count);
    if (total > VGPU_CONFIGURATION_MOST || size > VGPU_CONFIGURATION_MOST)
      problem = "it has more than 64 KiB";
    if (problem != NULL) {
      reader->into->line = 0;
      return problem;
    }
    problem = take_bytes(reader, chunk, (size_t)count);
    if (problem != NULL) return problem;
  }
}

void vgpu_configuration_read(const char* path, const char* name, struct vgpu_configuration* configuration) {
  // Without O_NONBLOCK a named pipe would hold the program up.
  const int file = vgpu_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (file == -ENOENT || file == -ENOTDIR) return;
  const char* problem;
  if (file < 0) {
    problem = describe(file);
  } else {
    struct reader reader = {.into = configuration, .name = name};
    problem = read_file(file, &reader);
    vgpu_close(file);
  }
  if (problem == NULL) return;
  const unsigned int line = configuration->line;
  *configuration = (struct vgpu_configuration){.configured = {.bad = true}, .problem = problem, .line = line};
}
