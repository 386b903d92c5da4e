// The state that the library keeps in a process, read from outside.

#ifndef VGPU_EXPLAIN_RECORD_H
#define VGPU_EXPLAIN_RECORD_H

#include "start/state.h"

enum record_found { RECORD_FOUND, RECORD_NO_LIBRARY, RECORD_UNREADABLE };

// Where the library is mapped, to `library`, which has `room` bytes; with RECORD_FOUND its state too.
enum record_found read_record(int process, char* library, unsigned long room, uint32_t* word);
const char* state_name(uint32_t word);

#endif
