#include "start/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "log.h"
#include "start/state.h"
#include "transport/session.h"
#include "transport/settings.h"
#include "transport/system.h"

static struct vgpu_configuration configuration;
static const char* configuration_path = VGPU_CONFIGURATION_PATH;

const struct vgpu_configuration* vgpu_configuration(void) {
  return &configuration;
}

// Such a process does the kernel's own work: it loads a module, or takes a core dump. In a container the
// process of number 2 is an ordinary one.
static bool started_by_kernel(void) {
  enum { KTHREADD = 2 };
  static const char NAME[] = "kthreadd\n";
  char name[sizeof(NAME)] = "";
  if (vgpu_parent_process_id() != KTHREADD) return false;
  const int file = vgpu_open("/proc/2/comm", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const long length = vgpu_read(file, name, sizeof(name) - 1);
  vgpu_close(file);
  return length == (long)strlen(NAME) && memcmp(name, NAME, sizeof(NAME)) == 0;
}

// One walk for all variables, since this runs in every process.
static void read_environment(struct vgpu_process_facts* facts) {
  static const char PREFIX[] = "VGPU_";
  static const struct {
    const char* name;
    size_t length;
  } NAMES[] = {{"DISABLE=", 8}, {"EARLY_INIT=", 11}, {"SHIM_CONFIGURATION=", 19}};
  const char** const values[] = {&facts->disable, &facts->early_init, &configuration_path};
  for (char** entry = environ; entry != NULL && *entry != NULL; ++entry) {
    if (strncmp(*entry, PREFIX, sizeof(PREFIX) - 1) != 0) continue;
    const char* name = *entry + sizeof(PREFIX) - 1;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); ++i) {
      if (strncmp(name, NAMES[i].name, NAMES[i].length) == 0) *values[i] = name + NAMES[i].length;
    }
  }
}

static void gather_facts(struct vgpu_process_facts* facts) {
  // A number that is an address.
  const char* executed = (const char*)getauxval(AT_EXECFN);  // NOLINT(performance-no-int-to-ptr)
  *facts = (struct vgpu_process_facts){.secure = getauxval(AT_SECURE) != 0,
                                       .name = executed == NULL ? "" : vgpu_file_name(executed)};
  // Nothing that the caller can set is looked at there.
  if (facts->secure) return;
  read_environment(facts);
  facts->started_by_kernel = started_by_kernel();
}

void vgpu_log_configuration_problem(void) {
  if (configuration.line == 0) {
    vgpu_log("configuration %s: %s", configuration_path, configuration.problem);
  } else {
    vgpu_log("configuration %s, line %u: %s", configuration_path, configuration.line, configuration.problem);
  }
}

// Of a bad file every process would have something to say: it is said where it makes a difference at once,
// or is asked for.
static void log_decision(struct vgpu_decision decision, const struct vgpu_process_facts* facts) {
  const struct vgpu_configured nothing = {.bad = false};
  if (decision.kind == VGPU_REFUSED) vgpu_log("refused: %s", vgpu_describe_reason(decision.reason));
  if (!configuration.configured.bad) return;
  if (vgpu_classify(facts, &nothing).kind == VGPU_EARLY || vgpu_log_is_asked_for())
    vgpu_log_configuration_problem();
}

static void decide(void) {
  struct vgpu_process_facts facts;
  struct vgpu_decision decision;
  gather_facts(&facts);
  if (!vgpu_classify_at_once(&facts, &decision)) {
    vgpu_configuration_read(configuration_path, facts.name, &configuration);
    decision = vgpu_classify(&facts, &configuration.configured);
  }
  vgpu_state_set_reason(decision.reason);
  if (decision.kind == VGPU_EARLY) {
    vgpu_session_probe();
    return;
  }
  vgpu_state_set(decision.kind == VGPU_REFUSED ? VGPU_STATE_REFUSED : VGPU_STATE_DEFERRED);
  if (!facts.secure) log_decision(decision, &facts);
}

void vgpu_start(void) {
  if (vgpu_state_now() != VGPU_STATE_UNSEEN) return;
  const int saved_errno = errno;
  if (vgpu_state_change(VGPU_STATE_UNSEEN, VGPU_STATE_DECIDING)) decide();
  errno = saved_errno;
}

__attribute__((constructor)) static void loaded(void) {
  vgpu_start();
}
