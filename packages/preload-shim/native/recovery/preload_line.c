#include "preload_line.h"

#include <stdbool.h>
#include <string.h>

static bool separates(char c) {
  return c == ' ' || c == '\t' || c == ':' || c == '\r';
}

// Of one line without its end: the new length, or -1 when nothing but the entry was in it.
static long drop_from_line(char* line, size_t length, const char* entry) {
  const size_t wanted = strlen(entry);
  bool dropped = false;
  size_t at = 0;
  while (at < length && line[at] != '#') {
    size_t end = at;
    while (end < length && !separates(line[end]) && line[end] != '#') ++end;
    if (end - at == wanted && memcmp(line + at, entry, wanted) == 0) {
      while (end < length && separates(line[end])) ++end;
      memmove(line + at, line + end, length - end);
      length -= end - at;
      dropped = true;
    } else {
      at = end;
      while (at < length && separates(line[at])) ++at;
    }
  }
  if (!dropped) return (long)length;
  // The separator that stood in front of an entry at the end.
  while (length > 0 && separates(line[length - 1])) --length;
  return length == 0 ? -1 : (long)length;
}

size_t drop_entry(char* text, size_t length, const char* entry) {
  size_t from = 0;
  size_t to = 0;
  while (from < length) {
    char* end = memchr(text + from, '\n', length - from);
    const size_t bytes = end == NULL ? length - from : (size_t)(end - text) - from;
    const bool ends = end != NULL;
    memmove(text + to, text + from, bytes);
    const long kept = drop_from_line(text + to, bytes, entry);
    from += bytes + (ends ? 1 : 0);
    if (kept < 0) continue;
    to += (size_t)kept;
    if (ends) text[to++] = '\n';
  }
  return to;
}
