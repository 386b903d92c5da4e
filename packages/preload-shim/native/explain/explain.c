// vgpu-shim-explain --pid N | --program PATH: what the library makes of a process, as one JSON object. It
// decides with the library's own code. Exit status: 0; 1 with an object that has "error"; 2 for wrong usage.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/observed.h"
#include "explain/record.h"
#include "start/configuration.h"
#include "transport/system.h"

static const char* const CLASSES[] = {"refused", "early", "deferred"};

static void print_text(const char* text) {
  putchar('"');
  for (; *text != '\0'; ++text) {
    const unsigned char byte = (unsigned char)*text;
    // Bytes of other encodings appear as Latin-1: valid JSON in any case.
    if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') {
      printf("\\u%04x", byte);
    } else {
      putchar(byte);
    }
  }
  putchar('"');
}

static void print_field(const char* name, const char* text) {
  printf(",\"%s\":", name);
  if (text == NULL || *text == '\0') {
    printf("null");
  } else {
    print_text(text);
  }
}

static int fail(int status) {
  printf("{\"error\":{\"number\":%d,\"message\":", -status);
  print_text(strerror(-status));
  printf("}}\n");
  return 1;
}

static void print_state(int process) {
  char library[4096];
  uint32_t word = 0;
  const enum record_found found = read_record(process, library, sizeof(library), &word);
  print_field("library", library);
  print_field("state", found == RECORD_FOUND ? state_name(word) : NULL);
}

static void print_configuration(const char* path, const struct vgpu_configuration* configuration) {
  printf(",\"configuration\":{\"line\":%u", configuration->line);
  print_field("path", path);
  print_field("problem", configuration->problem);
  print_field("executor", configuration->executor);
  printf("}");
}

// The path may be another user's, and root the one who asks: opening a device can do something already.
static void read_configuration(const struct observed* observed, struct vgpu_configuration* configuration) {
  const int file = vgpu_open(observed->configuration_path, O_PATH | O_CLOEXEC, 0);
  if (file == -ENOENT || file == -ENOTDIR) return;
  if (file < 0 || vgpu_file_bytes(file) < 0) {
    configuration->configured.bad = true;
    configuration->problem = file < 0 ? "it cannot be read" : "it is no regular file";
  } else {
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    vgpu_configuration_read(path, observed->facts.name, configuration);
  }
  if (file >= 0) vgpu_close(file);
}

static int explain(const char* option, const char* operand) {
  static struct observed observed;
  struct vgpu_configuration configuration = {.problem = NULL};
  struct vgpu_decision decision;
  const bool running = strcmp(option, "--pid") == 0;
  const int process = running ? (int)strtol(operand, NULL, 10) : 0;
  if (running && process <= 0) return fail(-ESRCH);
  const int status = running ? observe_process(process, &observed) : observe_program(operand, &observed);
  if (status != 0) return fail(status);
  const bool final = vgpu_classify_at_once(&observed.facts, &decision);
  if (!final) {
    read_configuration(&observed, &configuration);
    decision = vgpu_classify(&observed.facts, &configuration.configured);
  }
  printf("{\"class\":\"%s\"", CLASSES[decision.kind]);
  print_field("reason", vgpu_describe_reason(decision.reason));
  print_field("name", observed.facts.name);
  if (running) print_state(process);
  if (!final) print_configuration(observed.configuration_path, &configuration);
  printf("}\n");
  return 0;
}

int main(int count, char** arguments) {
  if (count == 3 && (strcmp(arguments[1], "--pid") == 0 || strcmp(arguments[1], "--program") == 0))
    return explain(arguments[1], arguments[2]);
  (void)fprintf(stderr, "usage: vgpu-shim-explain --pid N | --program PATH\n");
  return 2;
}
