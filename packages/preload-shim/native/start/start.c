#include "start/start.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "log.h"
#include "start/facts.h"
#include "start/state.h"
#include "transport/session.h"
#include "transport/settings.h"
#include "transport/system.h"

static struct vgpu_configuration configuration;
static const char* configuration_path = VGPU_CONFIGURATION_PATH;
// The process that has decided, or is about to.
static _Atomic uint32_t decider;

const struct vgpu_configuration* vgpu_configuration(void) {
  return &configuration;
}

static void gather_facts(struct vgpu_process_facts* facts) {
  // A number that is an address.
  const char* executed = (const char*)getauxval(AT_EXECFN);  // NOLINT(performance-no-int-to-ptr)
  *facts = (struct vgpu_process_facts){.secure = getauxval(AT_SECURE) != 0,
                                       .name = executed == NULL ? "" : vgpu_file_name(executed)};
  // Nothing that the caller can set is looked at there.
  if (facts->secure) return;
  const struct vgpu_start_environment environment = vgpu_start_environment(__environ);
  facts->disable = environment.disable;
  facts->early_init = environment.early_init;
  configuration_path = environment.configuration_path;
  facts->started_by_kernel = vgpu_started_by_kernel(vgpu_parent_process_id());
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
  // Before it can be seen that somebody decides.
  atomic_store(&decider, vgpu_process_id());
  if (vgpu_state_change(VGPU_STATE_UNSEEN, VGPU_STATE_DECIDING)) decide();
  errno = saved_errno;
}

void vgpu_start_forget(void) {
  if (vgpu_state_now() != VGPU_STATE_DECIDING || atomic_load(&decider) == vgpu_process_id()) return;
  vgpu_state_set(VGPU_STATE_UNSEEN);
  vgpu_start();
}

__attribute__((constructor)) static void loaded(void) {
  vgpu_start();
}
