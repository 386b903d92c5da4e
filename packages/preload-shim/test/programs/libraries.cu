// Libraries loaded at run time: kernels by name, launched in every form; variables; and the mistakes that the
// documentation names.
#include <cstring>

#include "check.h"

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
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(values[i] == factor * i, "element %d is %d, not %d", i, values[i], factor * i);
  }
  memset(values, 0xff, kCount * sizeof(int));
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
  CHECK(cudaMallocManaged(&values, kCount * sizeof(int)));
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
