// What kernels print.

#ifndef VGPU_OUTPUT_H
#define VGPU_OUTPUT_H

// Fetches what kernels have printed and writes it to the program's stdout and stderr, by way of its own
// libc's streams, so that it comes in turn with what the program prints itself. Called when a response says
// VGPU_RESPONSE_OUTPUT.
void vgpu_output_print(void);
void vgpu_output_forget(void);

#endif
