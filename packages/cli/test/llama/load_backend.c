// Opens llama.cpp's CUDA backend as llama.cpp does, and prints how many milliseconds that took: the loader's
// work and the registration of all device code.
//
//   load_backend libggml-cuda.so
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double milliseconds(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) return -1;
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const double start = milliseconds();
  if (dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == NULL) {
    (void)fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  return printf("%.3f\n", milliseconds() - start) > 0 ? 0 : 1;
}
