// Asks for devices as Ollama does before it chooses a backend: in a child process whose stdout its parent
// parses as JSON, with libraries opened by name.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76, INTEGRATED = 18 };

static void* open_library(const char* name) {
  void* library = dlopen(name, RTLD_LAZY);
  if (library == NULL) {
    printf("{\"error\": \"%s cannot be opened\"}\n", name);
    exit(1);
  }
  return library;
}

static void* symbol(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) {
    printf("{\"error\": \"%s is missing\"}\n", name);
    exit(1);
  }
  return found;
}

#define FUNCTION(library, name, parameters) int(*name) parameters = (int(*) parameters)symbol(library, #name)

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void describe(void* cuda, int number) {
  FUNCTION(cuda, cuDeviceGet, (int*, int));
  FUNCTION(cuda, cuDeviceGetAttribute, (int*, int, int));
  FUNCTION(cuda, cuDeviceGetName, (char*, int, int));
  FUNCTION(cuda, cuDeviceTotalMem_v2, (size_t*, int));
  FUNCTION(cuda, cuDeviceGetPCIBusId, (char*, int, int));
  int device = 0, major = 0, minor = 0, integrated = 0;
  size_t bytes = 0;
  char name[256] = "", address[64] = "";
  const int failed =
      cuDeviceGet(&device, number) | cuDeviceGetAttribute(&major, COMPUTE_CAPABILITY_MAJOR, device) |
      cuDeviceGetAttribute(&minor, COMPUTE_CAPABILITY_MINOR, device) |
      cuDeviceGetAttribute(&integrated, INTEGRATED, device) | cuDeviceGetName(name, sizeof name, device) |
      cuDeviceTotalMem_v2(&bytes, device) | cuDeviceGetPCIBusId(address, sizeof address, device);
  printf(
      "%s{\"failed\": %d, \"name\": \"%s\", \"memory\": %zu, \"pci\": \"%s\", \"major\": %d, \"minor\": %d, "
      "\"integrated\": %d}",
      number == 0 ? "" : ", ", failed, name, bytes, address, major, minor, integrated);
}

int main(void) {
  const double start = milliseconds();
  void* cuda = open_library("libcuda.so.1");
  FUNCTION(cuda, cuInit, (unsigned int));
  FUNCTION(cuda, cuDriverGetVersion, (int*));
  FUNCTION(cuda, cuDeviceGetCount, (int*));
  int version = 0, count = 0;
  const int initialised = cuInit(0);
  if (initialised == 0 && (cuDriverGetVersion(&version) != 0 || cuDeviceGetCount(&count) != 0)) return 1;
  printf("{\"cuInit\": %d, \"version\": %d, \"devices\": [", initialised, version);
  for (int i = 0; i < count; ++i) describe(cuda, i);

  void* nvml = open_library("libnvidia-ml.so.1");
  FUNCTION(nvml, nvmlInit_v2, (void));
  FUNCTION(nvml, nvmlSystemGetDriverVersion, (char*, unsigned int));
  FUNCTION(nvml, nvmlShutdown, (void));
  char driver[80] = "";
  const int nvml_result = nvmlInit_v2();
  if (nvml_result == 0 && (nvmlSystemGetDriverVersion(driver, sizeof driver) != 0 || nvmlShutdown() != 0))
    return 1;
  printf("], \"nvmlInit\": %d, \"driver\": \"%s\", \"milliseconds\": %.1f}\n", nvml_result, driver,
         milliseconds() - start);
  return 0;
}
