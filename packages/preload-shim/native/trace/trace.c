#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport/system.h"

enum { LINE_BYTES = 4096, SHOWN_CHARACTERS = 200, FIRST_DESCRIPTOR = 512 };

// A line of JSON in the making. What does not fit is left out, so that it stays JSON.
struct line {
  size_t length;
  char text[LINE_BYTES];
};

static void put(struct line* line, const char* format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line* line, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t room = sizeof(line->text) - line->length;
  const int length = vsnprintf(line->text + line->length, room, format, arguments);
  va_end(arguments);
  if (length > 0 && (size_t)length < room) line->length += (size_t)length;
}

static void put_text(struct line* line, const char* text) {
  if (text == NULL) {
    put(line, "null");
    return;
  }
  put(line, "\"");
  for (int i = 0; i < SHOWN_CHARACTERS && text[i] != '\0'; ++i) {
    const unsigned char character = (unsigned char)text[i];
    // Bytes above 127 may be cut in the middle of a character; as Latin-1 they are valid JSON in any case.
    if (character < 0x20 || character > 0x7e || character == '"' || character == '\\') {
      put(line, "\\u%04x", character);
    } else {
      put(line, "%c", character);
    }
  }
  put(line, "\"");
}

static void put_value(struct line* line, int kind, const void* value) {
  switch (kind) {
    case VGPU_TRACE_TEXT:
      put_text(line, *(const char* const*)value);
      break;
    case VGPU_TRACE_POINTER:
      put(line, "\"0x%" PRIxPTR "\"", *(const uintptr_t*)value);
      break;
    case VGPU_TRACE_DIM3: {
      const unsigned int* extent = value;
      put(line, "[%u,%u,%u]", extent[0], extent[1], extent[2]);
      break;
    }
    case VGPU_TRACE_I32:
      put(line, "%" PRId32, *(const int32_t*)value);
      break;
    case VGPU_TRACE_U8:
      put(line, "%u", *(const uint8_t*)value);
      break;
    case VGPU_TRACE_U16:
      put(line, "%u", *(const uint16_t*)value);
      break;
    case VGPU_TRACE_U32:
      put(line, "%" PRIu32, *(const uint32_t*)value);
      break;
    case VGPU_TRACE_U64:
      put(line, "%" PRIu64, *(const uint64_t*)value);
      break;
    case VGPU_TRACE_F32:
      // JSON has no infinities; the text of the others is exact.
      put(line, "\"%.9g\"", (double)*(const float*)value);
      break;
    default:
      put(line, "null");
  }
}

static void put_arguments(struct line* line, const struct vgpu_trace_function* function,
                          const void* const* arguments) {
  put(line, ",\"arguments\":{");
  for (unsigned int i = 0; arguments != NULL && i < function->parameter_count; ++i) {
    put(line, "%s\"%s\":", i == 0 ? "" : ",", function->parameters[i].name);
    put_value(line, function->parameters[i].kind, arguments[i]);
  }
  put(line, "}");
}

static void put_results(struct line* line, const struct vgpu_trace_function* function,
                        const void* const* arguments) {
  put(line, ",\"results\":{");
  const char* separator = "";
  for (unsigned int i = 0; arguments != NULL && i < function->parameter_count; ++i) {
    const void* pointee = *(const void* const*)arguments[i];
    if (function->parameters[i].result == VGPU_TRACE_NOTHING || pointee == NULL) continue;
    put(line, "%s\"%s\":", separator, function->parameters[i].name);
    put_value(line, function->parameters[i].result, pointee);
    separator = ",";
  }
  put(line, "}");
}

// The trace file of this process, opened with the first line. The program may close any descriptor and reuse
// its number: what is not our file any more is not written to.
static int trace_file(void) {
  static _Atomic int opened = -1;
  static struct vgpu_file_identity identity;
  struct vgpu_file_identity now;
  const int known = opened;
  if (known >= 0) {
    return vgpu_identify(known, &now) == 0 && now.device == identity.device && now.inode == identity.inode
               ? known
               : -1;
  }
  const char* path = getenv("VGPU_TRACE_FILE");
  if (path == NULL || known == -2) return -1;
  const int file = vgpu_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  const int high = file < 0 ? -1 : vgpu_duplicate_above(file, FIRST_DESCRIPTOR);
  if (file >= 0) vgpu_close(file);
  if (high < 0 || vgpu_identify(high, &identity) != 0) {
    opened = -2;
    return -1;
  }
  int expected = -1;
  if (!__atomic_compare_exchange_n((int*)&opened, &expected, high, false, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST)) {
    vgpu_close(high);
    return expected;
  }
  return high;
}

struct vgpu_trace_call vgpu_trace_begin(unsigned int index) {
  const int saved_errno = errno;
  const struct vgpu_trace_call call = {vgpu_trace_target(index), index, vgpu_nanoseconds()};
  errno = saved_errno;
  return call;
}

void vgpu_trace_end(const struct vgpu_trace_call* call, const void* const* arguments, const void* result) {
  const int64_t ended = vgpu_nanoseconds();
  const int saved_errno = errno;
  const int file = trace_file();
  if (file >= 0) {
    const struct vgpu_trace_function* function = &vgpu_trace_functions[call->index];
    struct line line = {0, ""};
    put(&line, "{\"began\":%" PRId64 ",\"nanoseconds\":%" PRId64 ",\"process\":%u,\"thread\":%ld",
        call->began, ended - call->began, vgpu_process_id(), syscall(SYS_gettid));
    put(&line, ",\"api\":\"%s\",\"function\":\"%s\"", function->api, function->name);
    put_arguments(&line, function, arguments);
    const bool failed = function->result == VGPU_TRACE_I32 && result != NULL && *(const int32_t*)result != 0;
    if (!failed) put_results(&line, function, arguments);
    if (result != NULL) {
      put(&line, ",\"result\":");
      put_value(&line, function->result, result);
    }
    put(&line, "}\n");
    // One write per line: those of several threads and processes do not mix, and a crash loses none.
    (void)vgpu_write(file, line.text, line.length);
  }
  errno = saved_errno;
}
