// Linking at run time: one image becomes a module; what cannot be linked is refused with the documented code.
//   driver_links FILE.ptx
#include <string.h>

#include "driver.h"

enum { INPUT_PTX = 1, INPUT_OBJECT = 3, NO_INPUT = 6 };

// Without its NUL when that does not belong to `bytes`.
static CUresult add_text(CUlinkState link, const char* text, size_t bytes) {
  char* copy = malloc(bytes);
  REQUIRE(copy != NULL, "no memory");
  memcpy(copy, text, bytes);
  const CUresult status = cuLinkAddData(link, INPUT_PTX, copy, bytes, "text", 0, NULL, NULL);
  free(copy);
  return status;
}

static const char kImage[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry store(.param .u64 out)\n{\n"
    "  .reg .b32 %r<2>;\n  .reg .b64 %d<2>;\n"
    "  ld.param.u64 %d1, [out];\n  mov.u32 %r1, 4711;\n  st.global.u32 [%d1], %r1;\n  ret;\n}\n";

static void run_store(const void* image) {
  CUmodule module;
  CUfunction store;
  CUdeviceptr memory;
  unsigned int word = 0;
  CHECK(cuModuleLoadData(&module, image));
  CHECK(cuModuleGetFunction(&store, module, "store"));
  CHECK(cuMemAlloc(&memory, sizeof(word)));
  void* parameters[] = {&memory};
  CHECK(cuLaunchKernel(store, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
  CHECK(cuMemcpyDtoH(&word, memory, sizeof(word)));
  REQUIRE(word == 4711, "the kernel wrote %u", word);
  CHECK(cuMemFree(memory));
  CHECK(cuModuleUnload(module));
}

static void link_text(size_t bytes) {
  CUlinkState link;
  void* image = NULL;
  size_t image_bytes = 0;
  CHECK(cuLinkCreate(0, NULL, NULL, &link));
  EXPECT_STATUS(cuLinkComplete(link, &image, &image_bytes), CUDA_ERROR_INVALID_VALUE);
  CHECK(add_text(link, kImage, bytes));
  CHECK(cuLinkComplete(link, &image, &image_bytes));
  REQUIRE(image != NULL && image_bytes == sizeof(kImage), "%zu bytes", image_bytes);
  run_store(image);
  // Two would have to be made one.
  EXPECT_STATUS(add_text(link, kImage, bytes), CUDA_ERROR_NOT_SUPPORTED);
  CHECK(cuLinkDestroy(link));
  EXPECT_STATUS(cuLinkDestroy(link), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_STATUS(cuLinkComplete(link, &image, &image_bytes), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_STATUS(add_text(link, kImage, bytes), CUDA_ERROR_INVALID_HANDLE);
}

static void link_file(const char* path) {
  CUlinkState link;
  CUmodule module;
  void* image = NULL;
  CHECK(cuLinkCreate(0, NULL, NULL, &link));
  EXPECT_STATUS(cuLinkAddFile(link, INPUT_PTX, "/nowhere.ptx", 0, NULL, NULL), CUDA_ERROR_FILE_NOT_FOUND);
  CHECK(cuLinkAddFile(link, INPUT_PTX, path, 0, NULL, NULL));
  CHECK(cuLinkComplete(link, &image, NULL));
  CHECK(cuModuleLoadData(&module, image));
  CHECK(cuModuleUnload(module));
  CHECK(cuLinkDestroy(link));
}

static void mistakes(void) {
  static const char kBroken[] = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry broken(\n";
  CUlinkState link;
  char byte = 0;
  CHECK(cuLinkCreate(0, NULL, NULL, &link));
  EXPECT_STATUS(add_text(link, kBroken, sizeof(kBroken)), CUDA_ERROR_INVALID_PTX);
  EXPECT_STATUS(add_text(link, "neither", 8), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_STATUS(cuLinkAddData(link, INPUT_OBJECT, &byte, 1, NULL, 0, NULL, NULL), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_STATUS(cuLinkAddData(link, NO_INPUT, &byte, 1, NULL, 0, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cuLinkAddData(link, INPUT_PTX, NULL, 1, NULL, 0, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
  // After a refusal the link goes on.
  CHECK(add_text(link, kImage, sizeof(kImage)));
  CHECK(cuLinkDestroy(link));
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s FILE.ptx", argv[0]);
  open_device();
  link_text(sizeof(kImage));
  link_text(sizeof(kImage) - 1);
  link_file(argv[1]);
  mistakes();
  printf("ok driver_links\n");
  return 0;
}
