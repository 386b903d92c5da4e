// One line per cause, appended to the file that VGPU_LOG names or sent to the journal (`journal`, or
// `journal:/path/of/its/socket`). Never to stdout or stderr: programs parse
// those.

#ifndef VGPU_LOG_H
#define VGPU_LOG_H

// Does nothing when there is no log, or when the same line has been written by this process before.
__attribute__((format(printf, 1, 2))) void vgpu_log(const char* format, ...);

#endif
