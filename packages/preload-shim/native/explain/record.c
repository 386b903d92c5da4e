#include "explain/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transport/system.h"

enum { LINE = 8192, DATA = 1 << 18 };

struct mapping {
  unsigned long first;
  unsigned long end;
  char permissions[8];
  int path;
};

static bool parse(const char* line, struct mapping* mapping) {
  mapping->path = 0;
  return sscanf(line, "%lx-%lx %7s %*s %*s %*s %n", &mapping->first, &mapping->end, mapping->permissions,
                &mapping->path) == 3 &&
         mapping->path != 0;
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
    if (strncmp(vgpu_file_name(line + mapping.path), NAME, sizeof(NAME) - 1) != 0) continue;
    snprintf(library, room, "%s", line + mapping.path);
    found = RECORD_UNREADABLE;
    if (mapping.permissions[1] == 'w' && memory >= 0 && find_mark(memory, &mapping, word))
      found = RECORD_FOUND;
  }
  if (memory >= 0) vgpu_close(memory);
  if (maps != NULL) (void)fclose(maps);
  return found;
}

const char* state_name(uint32_t word) {
  static const char* const NAMES[] = {
      "unseen", "deciding", "refused", "deferred", "connecting", "ready", "connected", "failed", "broken",
  };
  const uint32_t state = word & 0xff;
  return state < sizeof(NAMES) / sizeof(*NAMES) ? NAMES[state] : "unknown";
}
