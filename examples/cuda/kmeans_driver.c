// The same program through the CUDA driver API, in C without CUDA's headers or compiler: the kernels come as
// PTX text.
//   cc -std=gnu11 -o kmeans_driver kmeans_driver.c -ldl
//   vgpu run -- ./kmeans_driver kmeans.ptx zipcodes.csv result.json 12 100
#include <dlfcn.h>

#include "kmeans_host.h"

// The few parts of the driver API that are used here, as its documentation describes them.
typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;

// Name here, name in the library, parameters.
#define DRIVER_FUNCTIONS(F)                                                                                 \
  F(cuInit, "cuInit", (unsigned int flags))                                                                 \
  F(cuGetErrorName, "cuGetErrorName", (CUresult status, const char** name))                                 \
  F(cuDeviceGet, "cuDeviceGet", (CUdevice * device, int ordinal))                                           \
  F(cuDeviceGetName, "cuDeviceGetName", (char* name, int bytes, CUdevice device))                           \
  F(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (CUcontext * context, CUdevice device))           \
  F(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CUdevice device))                           \
  F(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext context))                                                \
  F(cuCtxSynchronize, "cuCtxSynchronize", (void))                                                           \
  F(cuModuleLoadData, "cuModuleLoadData", (CUmodule * module, const void* image))                           \
  F(cuModuleUnload, "cuModuleUnload", (CUmodule module))                                                    \
  F(cuModuleGetFunction, "cuModuleGetFunction", (CUfunction * function, CUmodule module, const char* name)) \
  F(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr * address, size_t bytes))                                     \
  F(cuMemFree, "cuMemFree_v2", (CUdeviceptr address))                                                       \
  F(cuMemcpyHtoD, "cuMemcpyHtoD_v2", (CUdeviceptr to, const void* from, size_t bytes))                      \
  F(cuMemcpyDtoH, "cuMemcpyDtoH_v2", (void* to, CUdeviceptr from, size_t bytes))                            \
  F(cuMemsetD8, "cuMemsetD8_v2", (CUdeviceptr to, unsigned char value, size_t count))                       \
  F(cuLaunchKernel, "cuLaunchKernel",                                                                       \
    (CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,                    \
     unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,           \
     CUstream stream, void** parameters, void** extra))

#define DECLARE(name, symbol, parameters) static CUresult(*name) parameters;
DRIVER_FUNCTIONS(DECLARE)

static void* driver_symbol(void* library, const char* symbol) {
  void* address = dlsym(library, symbol);
  if (address == NULL) kmeans_fail("libcuda.so.1 lacks %s", symbol);
  return address;
}

static void load_driver(void) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) kmeans_fail("no CUDA driver: %s", dlerror());
// ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the bits agree.
#define LOAD(name, symbol, parameters) *(void**)&name = driver_symbol(library, symbol);
  DRIVER_FUNCTIONS(LOAD)
}

static void check(CUresult status, const char* what) {
  const char* name = NULL;
  if (status == 0) return;
  cuGetErrorName(status, &name);
  kmeans_fail("%s: %s (%d)", what, name ? name : "unknown error", status);
}

#define CHECK(call) check((call), #call)

/// The whole file as a string; the caller frees it.
static char* read_text(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) kmeans_fail("cannot open %s: %s", path, strerror(errno));
  const long bytes = ftell(file);
  rewind(file);
  if (bytes < 0) kmeans_fail("cannot tell the size of %s", path);
  char* text = kmeans_allocate((size_t)bytes + 1, 1);
  if (fread(text, 1, (size_t)bytes, file) != (size_t)bytes) kmeans_fail("cannot read %s", path);
  fclose(file);
  return text;
}

static void launch(CUfunction function, int blocks, size_t shared_bytes, void** parameters) {
  CHECK(cuLaunchKernel(function, (unsigned int)blocks, 1, 1, KMEANS_BLOCK, 1, 1, (unsigned int)shared_bytes,
                       NULL, parameters, NULL));
}

/// Kernels are asynchronous; waiting for each makes its time visible.
static double finish_step(Kmeans* kmeans, int step, double start) {
  CHECK(cuCtxSynchronize());
  return kmeans_lap(kmeans, step, start);
}

static int blocks_for(int threads) {
  return (threads + KMEANS_BLOCK - 1) / KMEANS_BLOCK;
}

static void solve(Kmeans* kmeans, CUmodule module) {
  int points = kmeans->point_count, clusters = kmeans->cluster_count;
  const size_t point_bytes = (size_t)points * sizeof(KmeansPosition);
  const size_t centre_bytes = (size_t)clusters * sizeof(KmeansPosition),
               sum_bytes = (size_t)clusters * sizeof(KmeansSum);
  const size_t assignment_bytes = (size_t)points * sizeof(int);
  CUfunction assign_points, sum_clusters, move_centres;
  CHECK(cuModuleGetFunction(&assign_points, module, "assign_points"));
  CHECK(cuModuleGetFunction(&sum_clusters, module, "sum_clusters"));
  CHECK(cuModuleGetFunction(&move_centres, module, "move_centres"));

  double time = kmeans_clock();
  CUdeviceptr device_points, device_centres, device_assignment, device_sums, device_reassigned;
  CHECK(cuMemAlloc(&device_points, point_bytes));
  CHECK(cuMemAlloc(&device_centres, centre_bytes));
  CHECK(cuMemAlloc(&device_assignment, assignment_bytes));
  CHECK(cuMemAlloc(&device_sums, sum_bytes));
  CHECK(cuMemAlloc(&device_reassigned, sizeof(unsigned)));
  CHECK(cuMemcpyHtoD(device_points, kmeans->points, point_bytes));
  CHECK(cuMemcpyHtoD(device_centres, kmeans->centres, centre_bytes));
  CHECK(cuMemcpyHtoD(device_assignment, kmeans->assignment, assignment_bytes));
  CHECK(cuMemsetD8(device_sums, 0, sum_bytes));
  time = finish_step(kmeans, KMEANS_COPY_IN, time);

  void* assign_parameters[] = {&device_points,     &points,           &device_centres, &clusters,
                               &device_assignment, &device_reassigned};
  void* sum_parameters[] = {&device_points, &points, &device_assignment, &clusters, &device_sums};
  void* move_parameters[] = {&device_sums, &clusters, &device_centres};
  while (kmeans->rounds < kmeans->round_limit) {
    unsigned reassigned = 0;
    CHECK(cuMemsetD8(device_reassigned, 0, sizeof reassigned));
    launch(assign_points, blocks_for(points), centre_bytes, assign_parameters);
    CHECK(cuMemcpyDtoH(&reassigned, device_reassigned, sizeof reassigned));
    time = finish_step(kmeans, KMEANS_ASSIGN, time);
    kmeans->rounds += 1;
    kmeans->converged = reassigned == 0;
    kmeans_report_round(kmeans, reassigned);
    if (kmeans->converged) break;
    launch(sum_clusters, KMEANS_SUM_BLOCKS, sum_bytes, sum_parameters);
    time = finish_step(kmeans, KMEANS_SUM, time);
    launch(move_centres, blocks_for(clusters), 0, move_parameters);
    time = finish_step(kmeans, KMEANS_MOVE, time);
  }

  CHECK(cuMemcpyDtoH(kmeans->centres, device_centres, centre_bytes));
  CHECK(cuMemcpyDtoH(kmeans->assignment, device_assignment, assignment_bytes));
  kmeans_lap(kmeans, KMEANS_COPY_OUT, time);
  CHECK(cuMemFree(device_points));
  CHECK(cuMemFree(device_centres));
  CHECK(cuMemFree(device_assignment));
  CHECK(cuMemFree(device_sums));
  CHECK(cuMemFree(device_reassigned));
}

int main(int argc, char** argv) {
  if (argc != 6) kmeans_fail("usage: %s KMEANS.ptx POINTS.csv RESULT.json CLUSTERS ROUNDS", argv[0]);
  Kmeans kmeans;
  CUdevice device;
  CUcontext context;
  CUmodule module;
  kmeans_prepare(&kmeans, argv + 2);
  load_driver();
  CHECK(cuInit(0));
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDeviceGetName(kmeans.device, sizeof kmeans.device, device));
  CHECK(cuDevicePrimaryCtxRetain(&context, device));
  CHECK(cuCtxSetCurrent(context));
  char* text = read_text(argv[1]);
  CHECK(cuModuleLoadData(&module, text));
  free(text);
  solve(&kmeans, module);
  CHECK(cuModuleUnload(module));
  CHECK(cuDevicePrimaryCtxRelease(device));
  kmeans_write_result(&kmeans, argv[3]);
  kmeans_release(&kmeans);
  return 0;
}
