// Which addresses are shared mappings of which files.
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct mapping {
  uintptr_t address;
  size_t length;
  struct tracked_file* file;
  uint64_t offset;
};

static struct mapping* mappings;
static size_t mapping_count;

static void append(struct mapping mapping) {
  struct mapping* grown = realloc(mappings, (mapping_count + 1) * sizeof *mappings);
  if (!grown) record_die("out of memory");
  mappings = grown;
  mappings[mapping_count++] = mapping;
}

/** The part of a mapping inside an address range; a length of 0 when they do not meet. */
static struct mapping part_of(const struct mapping* mapping, uintptr_t start, uintptr_t end) {
  const uintptr_t mapping_end = mapping->address + mapping->length;
  const uintptr_t from = mapping->address > start ? mapping->address : start;
  const uintptr_t to = mapping_end < end ? mapping_end : end;
  struct mapping part = {from, 0, mapping->file, mapping->offset + (from - mapping->address)};
  if (from < to) part.length = to - from;
  return part;
}

void add_mapping(const void* address, size_t length, struct tracked_file* file, uint64_t offset) {
  append((struct mapping){(uintptr_t)address, length, file, offset});
}

void remove_mapping(const void* address, size_t length) {
  const uintptr_t start = (uintptr_t)address;
  const uintptr_t end = start + length;
  // Backwards, because what is left of a mapping is appended.
  for (size_t index = mapping_count; index-- > 0;) {
    const struct mapping mapping = mappings[index];
    if (part_of(&mapping, start, end).length == 0) continue;
    mappings[index] = mappings[--mapping_count];
    const struct mapping before = part_of(&mapping, 0, start);
    const struct mapping after = part_of(&mapping, end, UINTPTR_MAX);
    if (before.length > 0) append(before);
    if (after.length > 0) append(after);
  }
}

bool overlaps_mapping(const void* address, size_t length) {
  const uintptr_t start = (uintptr_t)address;
  for (size_t index = 0; index < mapping_count; ++index) {
    if (part_of(&mappings[index], start, start + length).length > 0) return true;
  }
  return false;
}

bool is_mapped(const struct tracked_file* file) {
  for (size_t index = 0; index < mapping_count; ++index) {
    if (mappings[index].file == file) return true;
  }
  return false;
}

bool is_mapped_at(const struct tracked_file* file, uint64_t offset, uint64_t length) {
  const uint64_t end = offset + length;
  uint64_t at = offset;
  // Mappings of one file may lie side by side: each step reaches the end of one that covers `at`.
  for (size_t index = 0; index < mapping_count && at < end; ++index) {
    const struct mapping* mapping = &mappings[index];
    // A mapping covers its last page to the end.
    const uint64_t mapping_end = (mapping->offset + mapping->length + 4095) / 4096 * 4096;
    if (mapping->file != file || mapping->offset > at || mapping_end <= at) continue;
    at = mapping_end;
    index = (size_t)-1;
  }
  return at >= end;
}

void for_each_mapping(const void* address, size_t length,
                      void (*visit)(struct tracked_file* file, uint64_t offset, uint64_t length)) {
  const uintptr_t start = (uintptr_t)address;
  for (size_t index = 0; index < mapping_count; ++index) {
    const struct mapping part = part_of(&mappings[index], start, start + length);
    if (part.length > 0) visit(part.file, part.offset, part.length);
  }
}
