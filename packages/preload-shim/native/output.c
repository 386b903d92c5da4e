#include "output.h"

#include <stdio.h>

#include "guest_api.h"
#include "log.h"
#include "transport/lock.h"

// Two threads that synchronise at once must not print pieces in the wrong order.
static struct vgpu_lock printing;

static void write_piece(const char* text, size_t bytes, int stream) {
  FILE* file = stream == 2 ? stderr : stdout;
  // The rest of a full disk's or a closed pipe's output is lost, as that of the program itself would be.
  if (fwrite(text, 1, bytes, file) != bytes) vgpu_log("what a kernel printed cannot be written");
}

void vgpu_output_print(void) {
  char piece[4096];
  size_t waiting = 0;
  int stream = 0;
  vgpu_lock(&printing);
  while (vgpuOutputPending(&waiting, &stream) == CUDA_SUCCESS && waiting != 0) {
    for (size_t bytes = 0; waiting != 0; waiting -= bytes) {
      bytes = waiting < sizeof(piece) ? waiting : sizeof(piece);
      if (vgpuOutputTake(piece, bytes) != CUDA_SUCCESS) break;
      write_piece(piece, bytes, stream);
    }
    if (waiting != 0) break;
  }
  vgpu_unlock(&printing);
}

void vgpu_output_forget(void) {
  vgpu_lock_forget(&printing);
}
