// What must notice that files have changed: the loader's cache, the service manager, a service.
#ifndef VGPU_RECOVERY_SERVICES_H
#define VGPU_RECOVERY_SERVICES_H

#include <stdbool.h>

#include "journal.h"

/** Does what the records "ldconfig", "reload" and "service" ask for. @return whether all of it worked */
bool refresh_services(const struct journal* journal);

#endif
