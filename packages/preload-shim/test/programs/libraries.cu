// Libraries loaded at run time: kernels by name, launched in every form; variables; and the mistakes that the
// documentation names.
#include <cstring>

#include "driver_entry.h"

constexpr int kCount = 100;

// out[i] = factor * i, with `factor` a variable of the library.
const char kImage[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .global .align 4 .u32 factor = 3;\n"
    ".visible .entry multiples(.param .u64 out)\n{\n"
    "  .reg .b32 %r<4>;\n  .reg .b64 %d<3>;\n"
    "  ld.param.u64 %d1, [out];\n  mov.u32 %r1, %tid.x;\n  ld.global.u32 %r2, [factor];\n"
    "  mul.lo.u32 %r2, %r2, %r1;\n  mul.wide.u32 %d2, %r1, 4;\n  add.u64 %d1, %d1, %d2;\n"
    "  st.global.u32 [%d1], %r2;\n  ret;\n}\n"
    ".visible .entry nothing()\n{\n  ret;\n}\n";

static void expect_multiples(int* values, int factor) {
  int found[kCount];
  CHECK(cudaMemcpy(found, values, sizeof(found), cudaMemcpyDeviceToHost));
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(found[i] == factor * i, "element %d is %d, not %d", i, found[i], factor * i);
  }
  CHECK(cudaMemset(values, 0xff, sizeof(found)));
}

static void launch_in_every_form(cudaKernel_t kernel, int* values) {
  const void* entry = reinterpret_cast<const void*>(kernel);
  void* arguments[] = {&values};
  CHECK(cudaLaunchKernel(entry, dim3(1), dim3(kCount), arguments, 0, nullptr));
  expect_multiples(values, 3);

  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = dim3(kCount);
  CHECK(cudaLaunchKernelExC(&config, entry, arguments));
  expect_multiples(values, 3);

  cudaGraph_t graph = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaKernelNodeParams parameters{};
  parameters.func = const_cast<void*>(entry);
  parameters.gridDim = dim3(1);
  parameters.blockDim = dim3(kCount);
  parameters.kernelParams = arguments;
  CHECK(cudaGraphCreate(&graph, 0));
  CHECK(cudaGraphAddKernelNode(&node, graph, nullptr, 0, &parameters));
  CHECK(cudaGraphInstantiate(&executable, graph, 0));
  CHECK(cudaGraphLaunch(executable, nullptr));
  expect_multiples(values, 3);
}

static void ask(cudaKernel_t kernel) {
  cudaFuncAttributes attributes{};
  CHECK(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel)));
  REQUIRE(attributes.ptxVersion == 75, "compiled for %d", attributes.ptxVersion);
  CHECK(cudaKernelSetAttributeForDevice(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 60000, 0));
  CHECK(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel)));
  REQUIRE(attributes.maxDynamicSharedSizeBytes == 60000, "%d bytes", attributes.maxDynamicSharedSizeBytes);
  int blocks = 0;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, reinterpret_cast<const void*>(kernel), 64, 0));
  REQUIRE(blocks > 0, "%d blocks", blocks);
}

static void what_kernels_there_are(cudaLibrary_t library, cudaKernel_t known) {
  cudaKernel_t kernels[3] = {nullptr, nullptr, known};
  bool has_multiples = false;
  bool has_nothing = false;
  CHECK(cudaLibraryEnumerateKernels(kernels, 3, library));
  REQUIRE(kernels[2] == known, "more kernels than there are");
  for (int i = 0; i < 2; ++i) {
    const char* name = nullptr;
    CHECK(cudaFuncGetName(&name, reinterpret_cast<const void*>(kernels[i])));
    has_multiples = has_multiples || (strcmp(name, "multiples") == 0 && kernels[i] == known);
    has_nothing = has_nothing || strcmp(name, "nothing") == 0;
  }
  REQUIRE(has_multiples && has_nothing, "the kernels have other names");
  cudaKernel_t first = nullptr;
  CHECK(cudaLibraryEnumerateKernels(&first, 1, library));
  REQUIRE(first == kernels[0], "the first of one is not the first of two");
  CHECK(cudaLibraryEnumerateKernels(nullptr, 0, library));
  EXPECT_STATUS(cudaLibraryEnumerateKernels(nullptr, 1, library), cudaErrorInvalidValue);

  size_t offset = 1;
  size_t bytes = 0;
  const void* entry = reinterpret_cast<const void*>(known);
  CHECK(cudaFuncGetParamInfo(entry, 0, &offset, &bytes));
  REQUIRE(offset == 0 && bytes == 8, "the parameter is %zu bytes at %zu", bytes, offset);
  EXPECT_STATUS(cudaFuncGetParamInfo(entry, 1, &offset, &bytes), cudaErrorInvalidValue);
}

/// What a block may have so that so many fit: they do fit with it, and with a little more they do not.
static void available_shared_memory(cudaKernel_t kernel) {
  const void* entry = reinterpret_cast<const void*>(kernel);
  for (int blocks = 1; blocks <= 8; blocks *= 2) {
    size_t bytes = 0;
    int fit = 0;
    CHECK(cudaOccupancyAvailableDynamicSMemPerBlock(&bytes, entry, blocks, 128));
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&fit, entry, 128, bytes));
    REQUIRE(bytes > 0 && fit >= blocks, "%d blocks with %zu bytes, not %d", fit, bytes, blocks);
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&fit, entry, 128, bytes + 128));
    REQUIRE(fit < blocks, "%d blocks with more than %zu bytes", fit, bytes);
  }
  size_t bytes = 0;
  EXPECT_STATUS(cudaOccupancyAvailableDynamicSMemPerBlock(&bytes, entry, 10'000, 128), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaOccupancyAvailableDynamicSMemPerBlock(&bytes, entry, 0, 128), cudaErrorInvalidValue);
}

static void functions_of_the_module(cudaLibrary_t library, int* values) {
  DRIVER(cuLibraryGetModule);
  DRIVER(cuModuleGetFunction);
  DRIVER(cuModuleEnumerateFunctions);
  DRIVER(cuFuncGetName);
  DRIVER(cuFuncGetModule);
  DRIVER(cuStreamWriteValue32);
  CUmodule module = nullptr;
  CUmodule owner = nullptr;
  CUfunction functions[2] = {nullptr, nullptr};
  RUN(cuLibraryGetModule_(&module, reinterpret_cast<CUlibrary>(library)));
  RUN(cuModuleEnumerateFunctions_(functions, 2, module));
  const char* kept = nullptr;
  for (CUfunction function : functions) {
    const char* name = nullptr;
    CUfunction same = nullptr;
    RUN(cuFuncGetName_(&name, function));
    RUN(cuModuleGetFunction_(&same, module, name));
    REQUIRE(same == function, "two handles of %s", name);
    RUN(cuFuncGetModule_(&owner, function));
    REQUIRE(owner == module, "%s has another module", name);
    const char* again = nullptr;
    RUN(cuFuncGetName_(&again, function));
    REQUIRE(again == name, "the name of %s has moved", name);
    kept = name;
  }
  REQUIRE(strcmp(kept, "multiples") == 0 || strcmp(kept, "nothing") == 0, "a name has become %s", kept);
  EXPECT(cuFuncGetName_(&kept, reinterpret_cast<CUfunction>(module)), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuModuleEnumerateFunctions_(functions, 2, reinterpret_cast<CUmodule>(functions[0])),
         CUDA_ERROR_INVALID_HANDLE);

  int device = -1;
  CHECK(cudaStreamGetDevice(nullptr, &device));
  REQUIRE(device == 0, "the default stream is of device %d", device);
  RUN(cuStreamWriteValue32_(nullptr, reinterpret_cast<CUdeviceptr>(values + 3), 0x12345678, 0));
  int found[3];
  CHECK(cudaMemcpy(found, values + 2, sizeof(found), cudaMemcpyDeviceToHost));
  REQUIRE(found[0] == -1 && found[1] == 0x12345678 && found[2] == -1, "the value is %x", found[1]);
  EXPECT(cuStreamWriteValue32_(nullptr, reinterpret_cast<CUdeviceptr>(values) + 2, 1, 0),
         CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuStreamWriteValue32_(nullptr, reinterpret_cast<CUdeviceptr>(values), 1, 2),
         CUDA_ERROR_INVALID_VALUE);
}

static void change_the_variable(cudaLibrary_t library, cudaKernel_t kernel, int* values) {
  void* factor = nullptr;
  size_t bytes = 0;
  const int seven = 7;
  CHECK(cudaLibraryGetGlobal(&factor, &bytes, library, "factor"));
  REQUIRE(bytes == sizeof(int), "%zu bytes", bytes);
  CHECK(cudaMemcpy(factor, &seven, sizeof(seven), cudaMemcpyHostToDevice));
  void* arguments[] = {&values};
  CHECK(
      cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(1), dim3(kCount), arguments, 0, nullptr));
  expect_multiples(values, 7);
}

static void mistakes(cudaLibrary_t library) {
  cudaLibrary_t other = nullptr;
  cudaKernel_t kernel = nullptr;
  EXPECT_STATUS(cudaLibraryLoadData(&other, "neither", nullptr, nullptr, 0, nullptr, nullptr, 0),
                cudaErrorInvalidKernelImage);
  EXPECT_STATUS(cudaLibraryLoadFromFile(&other, "/nowhere.ptx", nullptr, nullptr, 0, nullptr, nullptr, 0),
                cudaErrorFileNotFound);
  EXPECT_STATUS(cudaLibraryGetKernel(&kernel, library, "missing"), cudaErrorSymbolNotFound);
  EXPECT_STATUS(cudaLibraryGetKernel(&kernel, reinterpret_cast<cudaLibrary_t>(&other), "nothing"),
                cudaErrorInvalidResourceHandle);
}

int main() {
  cudaLibrary_t library = nullptr;
  cudaKernel_t kernel = nullptr;
  cudaKernel_t again = nullptr;
  unsigned int count = 0;
  int* values = nullptr;
  CHECK(cudaMalloc(&values, kCount * sizeof(int)));
  {
    // The library keeps a copy.
    char image[sizeof(kImage)];
    memcpy(image, kImage, sizeof(image));
    CHECK(cudaLibraryLoadData(&library, image, nullptr, nullptr, 0, nullptr, nullptr, 0));
    memset(image, 0, sizeof(image));
  }
  CHECK(cudaLibraryGetKernelCount(&count, library));
  REQUIRE(count == 2, "%u kernels", count);
  CHECK(cudaLibraryGetKernel(&kernel, library, "multiples"));
  CHECK(cudaLibraryGetKernel(&again, library, "multiples"));
  REQUIRE(kernel == again, "asked twice, two kernels");
  launch_in_every_form(kernel, values);
  ask(kernel);
  change_the_variable(library, kernel, values);
  what_kernels_there_are(library, kernel);
  available_shared_memory(kernel);
  functions_of_the_module(library, values);
  mistakes(library);

  CHECK(cudaLibraryUnload(library));
  EXPECT_STATUS(cudaLibraryUnload(library), cudaErrorInvalidResourceHandle);
  void* arguments[] = {&values};
  EXPECT_STATUS(
      cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(1), dim3(kCount), arguments, 0, nullptr),
      cudaErrorInvalidResourceHandle);
  CHECK(cudaDeviceReset());
  return passed("libraries");
}
