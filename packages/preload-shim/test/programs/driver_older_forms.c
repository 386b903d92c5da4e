// A program that looks functions up under the names from before their newer forms, as FFmpeg does: the older
// names work, and what belongs to OpenGL, EGL and VDPAU is there and refuses.
//   driver_older_forms FILE.ptx
#include <string.h>

#include "driver.h"

enum { INPUT_PTX = 1, FLAG_SPIN = 1 };
typedef struct CUevent_st* CUevent;

#define OLDER_FORMS(F)                                                               \
  F(cuCtxCreate_v2, (CUcontext * context, unsigned int flags, CUdevice device))      \
  F(cuCtxGetCurrent, (CUcontext * context))                                          \
  F(cuCtxDestroy, (CUcontext context))                                               \
  F(cuCtxPopCurrent, (CUcontext * context))                                          \
  F(cuCtxPushCurrent, (CUcontext context))                                           \
  F(cuDevicePrimaryCtxGetState, (CUdevice device, unsigned int* flags, int* active)) \
  F(cuEventCreate, (CUevent * event, unsigned int flags))                            \
  F(cuEventDestroy, (CUevent event))
#define DECLARE(name, parameters) static CUresult(*name) parameters;
OLDER_FORMS(DECLARE)

static CUresult (*stream_destroy)(CUstream);
static CUresult (*primary_release)(CUdevice);
static CUresult (*primary_reset)(CUdevice);
static CUresult (*primary_set_flags)(CUdevice, unsigned int);
static CUresult (*link_create)(unsigned int, int*, void**, CUlinkState*);
static CUresult (*link_add_data)(CUlinkState, int, void*, size_t, const char*, unsigned int, int*, void**);
static CUresult (*link_add_file)(CUlinkState, int, const char*, unsigned int, int*, void**);

static void* library;

static void load_older_forms(void) {
  library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != NULL, "%s", dlerror());
#define LOAD(name, parameters) *(void**)&name = driver_symbol(library, #name);
  OLDER_FORMS(LOAD)
  *(void**)&stream_destroy = driver_symbol(library, "cuStreamDestroy");
  *(void**)&primary_release = driver_symbol(library, "cuDevicePrimaryCtxRelease");
  *(void**)&primary_reset = driver_symbol(library, "cuDevicePrimaryCtxReset");
  *(void**)&primary_set_flags = driver_symbol(library, "cuDevicePrimaryCtxSetFlags");
  *(void**)&link_create = driver_symbol(library, "cuLinkCreate");
  *(void**)&link_add_data = driver_symbol(library, "cuLinkAddData");
  *(void**)&link_add_file = driver_symbol(library, "cuLinkAddFile");
}

static void contexts_stack_up(CUdevice device) {
  CUcontext primary, made, popped, current;
  CHECK(cuCtxGetCurrent(&primary));
  CHECK(cuCtxCreate_v2(&made, 0, device));
  CHECK(cuCtxPopCurrent(&popped));
  REQUIRE(popped == made, "another context was current");
  CHECK(cuCtxPushCurrent(made));
  CHECK(cuCtxGetCurrent(&current));
  REQUIRE(current == made, "pushing changed nothing");
  CHECK(cuCtxDestroy(made));
  CHECK(cuCtxGetCurrent(&current));
  REQUIRE(current == primary, "destroying did not pop");
  EXPECT_STATUS(cuCtxDestroy(NULL), CUDA_ERROR_INVALID_VALUE);
}

static void streams_and_events_end(void) {
  CUstream stream;
  CUevent event;
  CHECK(cuStreamCreate(&stream, 0));
  CHECK(stream_destroy(stream));
  CHECK(cuEventCreate(&event, 0));
  CHECK(cuEventDestroy(event));
}

static void images_link(char* path) {
  char* text = read_text(path);
  for (int from_file = 0; from_file <= 1; ++from_file) {
    CUlinkState link;
    CUmodule module;
    void* image;
    size_t bytes;
    CHECK(link_create(0, NULL, NULL, &link));
    if (from_file) {
      CHECK(link_add_file(link, INPUT_PTX, path, 0, NULL, NULL));
    } else {
      CHECK(link_add_data(link, INPUT_PTX, text, strlen(text) + 1, "text", 0, NULL, NULL));
    }
    CHECK(cuLinkComplete(link, &image, &bytes));
    CHECK(cuModuleLoadData(&module, image));
    CHECK(cuModuleUnload(module));
    CHECK(cuLinkDestroy(link));
  }
  free(text);
}

static void primary_context_ends(CUdevice device) {
  unsigned int flags;
  int active;
  CHECK(primary_release(device));
  CHECK(cuDevicePrimaryCtxGetState(device, &flags, &active));
  REQUIRE(active == 0, "released, and still there");
  CHECK(primary_set_flags(device, FLAG_SPIN));
  CHECK(cuDevicePrimaryCtxGetState(device, &flags, &active));
  REQUIRE(flags == FLAG_SPIN, "flags are %u", flags);
  CHECK(primary_reset(device));
}

static void graphics_refuse(void) {
  static const char* const names[] = {"cuGLGetDevices_v2", "cuGraphicsGLRegisterImage",
                                      "cuEGLStreamProducerConnect", "cuVDPAUGetDevice"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    CUresult (*function)(void*, void*, unsigned int, unsigned int);
    *(void**)&function = driver_symbol(library, names[i]);
    EXPECT_STATUS(function(NULL, NULL, 0, 0), CUDA_ERROR_NOT_SUPPORTED);
  }
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: driver_older_forms FILE.ptx");
  const CUdevice device = open_device();
  load_older_forms();
  contexts_stack_up(device);
  streams_and_events_end();
  images_link(argv[1]);
  graphics_refuse();
  primary_context_ends(device);
  printf("ok driver_older_forms\n");
  return 0;
}
