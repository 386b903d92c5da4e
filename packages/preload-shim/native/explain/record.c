#include "explain/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/system.h"

enum { LINE = 8192, DATA = 1 << 18 };

struct mapping {
  unsigned long first;
  unsigned long end;
  bool writable;
  const char* path;
};

// first-end permissions offset device inode path
static bool parse(char* line, struct mapping* mapping) {
  char* rest = line;
  mapping->first = strtoul(rest, &rest, 16);
  if (*rest != '-') return false;
  mapping->end = strtoul(rest + 1, &rest, 16);
  if (*rest != ' ') return false;
  mapping->writable = rest[1] != '\0' && rest[2] == 'w';
  const char* path = strchr(rest, '/');
  if (path == NULL) return false;
  mapping->path = path;
  return true;
}

static bool find_mark(int memory, const struct mapping* mapping, uint32_t* word) {
  static unsigned char data[DATA];
  const size_t wanted = mapping->end - mapping->first < DATA ? mapping->end - mapping->first : DATA;
  const ssize_t length = pread(memory, data, wanted, (off_t)mapping->first);
  if (length < (ssize_t)sizeof(struct vgpu_state_record)) return false;
  for (size_t at = 0; at <= (size_t)length - sizeof(struct vgpu_state_record);
       at += _Alignof(struct vgpu_state_record)) {
    if (memcmp(data + at, VGPU_STATE_MARK, sizeof(VGPU_STATE_MARK)) != 0) continue;
    memcpy(word, data + at + offsetof(struct vgpu_state_record, word), sizeof(*word));
    return true;
  }
  return false;
}

enum record_found read_record(int process, char* library, unsigned long room, uint32_t* word) {
  static const char NAME[] = "libvgpu_cuda";
  char path[64];
  char line[LINE];
  enum record_found found = RECORD_NO_LIBRARY;
  library[0] = '\0';
  snprintf(path, sizeof(path), "/proc/%d/maps", process);
  FILE* maps = fopen(path, "re");
  snprintf(path, sizeof(path), "/proc/%d/mem", process);
  const int memory = vgpu_open(path, O_RDONLY | O_CLOEXEC, 0);
  while (maps != NULL && found != RECORD_FOUND && fgets(line, sizeof(line), maps) != NULL) {
    struct mapping mapping;
    line[strcspn(line, "\n")] = '\0';
    if (!parse(line, &mapping)) continue;
    if (strncmp(vgpu_file_name(mapping.path), NAME, sizeof(NAME) - 1) != 0) continue;
    snprintf(library, room, "%s", mapping.path);
    found = RECORD_UNREADABLE;
    if (mapping.writable && memory >= 0 && find_mark(memory, &mapping, word)) found = RECORD_FOUND;
  }
  if (memory >= 0) vgpu_close(memory);
  if (maps != NULL) (void)fclose(maps);
  return found;
}

const char* state_name(uint32_t word) {
  static const char* const NAMES[] = {
      "unseen", "deciding",  "refused", "deferred", "connecting",
      "ready",  "connected", "failed",  "broken",   "real",
  };
  const uint32_t state = word & 0xff;
  return state < sizeof(NAMES) / sizeof(*NAMES) ? NAMES[state] : "unknown";
}
