#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "transport/settings.h"
#include "transport/system.h"

enum { LINE_BYTES = 1024, REMEMBERED = 256 };

static uint64_t hash(const char* text) {
  // FNV-1a. A forked child inherits what has been seen, but its lines are its own.
  uint64_t value = 0xcbf29ce484222325u ^ vgpu_process_id();
  for (; *text != '\0'; ++text) value = (value ^ (unsigned char)*text) * 0x100000001b3u;
  return value | 1;  // 0 marks a free place
}

// Lock-free, because a line may be due while a lock is held. When all places are taken, lines may repeat.
static bool seen_before(const char* text) {
  static _Atomic uint64_t seen[REMEMBERED];
  const uint64_t wanted = hash(text);
  for (unsigned int i = 0; i < REMEMBERED; ++i) {
    uint64_t found = 0;
    if (atomic_compare_exchange_strong(&seen[(wanted + i) % REMEMBERED], &found, wanted)) return false;
    if (found == wanted) return true;
  }
  return false;
}

// gmtime takes libc's time zone lock and may read files. Days to a date: H. Hinnant, "chrono-Compatible
// Low-Level Date Algorithms", civil_from_days.
static int print_time(char* text, size_t bytes) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t seconds = now.tv_sec;
  const int64_t days = seconds / 86400 + 719468;  // since 0000-03-01
  const int64_t era = days / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2);
  return snprintf(text, bytes, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, (int)month, (int)day,
                  (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60), (int)(seconds % 60),
                  (int)(now.tv_nsec / 1000000));
}

// A name or a cause must not look like a line of its own.
static void replace_line_ends(char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '\n' || *text == '\r') *text = ' ';
  }
}

static void append_to_file(const char* path, const char* message) {
  char line[LINE_BYTES + 128];
  char when[64];
  print_time(when, sizeof(when));
  const int length = snprintf(line, sizeof(line), "%s %u %s: %s\n", when, vgpu_process_id(),
                              program_invocation_short_name, message);
  if (length <= 0) return;
  // A pipe nobody reads must not stop the program: hence O_NONBLOCK.
  const int file = vgpu_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
  if (file < 0) return;
  const size_t bytes = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
  line[bytes - 1] = '\0';
  replace_line_ends(line);
  line[bytes - 1] = '\n';
  // One write: lines of several processes do not mix. There is nowhere to report a full disk.
  (void)vgpu_write(file, line, bytes);
  vgpu_close(file);
}

// The native protocol of systemd's journal: fields, one a line, in one datagram.
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
static void send_to_journal(const char* path, const char* message) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t path_bytes = strlen(path) + 1;
  if (path_bytes > sizeof(address.sun_path)) return;
  memcpy(address.sun_path, path, path_bytes);
  char program[64];
  snprintf(program, sizeof(program), "%s", program_invocation_short_name);
  replace_line_ends(program);
  char entry[LINE_BYTES + 256];
  const int length =
      snprintf(entry, sizeof(entry), "PRIORITY=5\nSYSLOG_IDENTIFIER=vgpu\nVGPU_PROGRAM=%s\nMESSAGE=%s: %s\n",
               program, program, message);
  if (length <= 0 || (size_t)length >= sizeof(entry)) return;
  // Where no journal runs, or it is too busy, there is nowhere to say so.
  (void)vgpu_send_datagram((const struct sockaddr*)&address, sizeof(address), entry, (size_t)length);
}

static void append(const char* path, const char* message) {
  const size_t length = sizeof(VGPU_LOG_JOURNAL) - 1;
  if (strcmp(path, VGPU_LOG_JOURNAL) == 0) {
    send_to_journal("/run/systemd/journal/socket", message);
  } else if (strncmp(path, VGPU_LOG_JOURNAL, length) == 0 && path[length] == ':') {
    send_to_journal(path + length + 1, message);
  } else {
    append_to_file(path, message);
  }
}

void vgpu_log(const char* format, ...) {
  const char* path = vgpu_log_path();
  if (path == NULL) return;
  const int saved_errno = errno;
  char message[LINE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  replace_line_ends(message);
  if (length > 0 && !seen_before(message)) append(path, message);
  errno = saved_errno;
}
