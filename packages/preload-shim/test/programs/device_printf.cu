// printf in kernels: what is printed, in which order, and when.
#include <vector>

#include "captured_stream.h"

#define SAMPLES(print)                                                                                       \
  print("plain text, 100%%, no arguments\n");                                                                \
  print("%d %i %u %o %x %X|%5d|%-5d|%05d|%+d|% d|%#x|%#o\n", -7, 42, 42u, 8, 255, 255, 12, 12, 12, 12, 12,   \
        255, 8);                                                                                             \
  print("%ld %lu %lld %llx %hd %hu %hhd\n", -5L, 5ul, -123456789012345ll, 0xdeadbeefcafeull, short(-3),      \
        (unsigned short)65535, (signed char)-2);                                                             \
  print("%c%c%3c|%-3c|\n", 'a', 'b', 'c', 'd');                                                              \
  print("%f %.3f %10.2f|%-10.1f|%e %.2E %g %G %a\n", 1.5, 3.14159, 2.5, 2.5, 12345.678, 0.00012, 1e20, 1e-5, \
        1.0);                                                                                                \
  print("%f %g\n", 1.25f, -0.0f);                                                                            \
  print("%s|%10s|%-10s|%.2s\n", "text", "right", "left", "cut");                                             \
  print("%*d|%-*d|%.*f|%.*f\n", 6, 42, 6, 42, 2, 3.14159, -1, 2.5);                                          \
  print("%p %p\n", (void*)0x1234, (void*)0);                                                                 \
  print("%d %s %f %c %lld\n", 1, "mixed", 2.0, 'x', 3ll)

__global__ void print_samples() {
  SAMPLES(printf);
}

__constant__ char in_constant_memory[] = "constant";
__device__ char in_global_memory[] = "global";

__global__ void print_strings() {
  __shared__ char in_shared_memory[8];
  char in_local_memory[8] = {'l', 'o', 'c', 'a', 'l', '\0'};
  for (int i = 0; i < 7; ++i) in_shared_memory[i] = "shared"[i];
  printf("%s %s %s %s\n", in_constant_memory, in_global_memory, in_shared_memory, in_local_memory);
}

__global__ void print_threads() {
  if (threadIdx.x % 3 == 0) printf("block %d thread %d\n", blockIdx.x, threadIdx.x);
}

__global__ void print_number(int number) {
  printf("<%d>", number);
}

__global__ void return_values(int* results, const char* none) {
  results[0] = printf("no arguments\n");
  results[1] = printf("%d %f %s\n", 1, 2.0, "three");
  results[2] = printf(none);
  // 33 arguments: the last is one too many.
  results[3] = printf("%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d %d\n", 1, 2, 3, 4, 5,
                      6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3);
}

__global__ void print_much(int lines) {
  for (int i = 0; i < lines; ++i) printf("line %d\n", i);
}

static std::string host_samples() {
  char line[256];
  std::string all;
#define APPEND(...) (std::snprintf(line, sizeof line, __VA_ARGS__), all += line)
  SAMPLES(APPEND);
#undef APPEND
  return all;
}

static void expect_text(const std::string& text, const std::string& expected, const char* what) {
  REQUIRE(text == expected, "%s printed\n%s\nexpected\n%s", what, text.c_str(), expected.c_str());
}

static void test_texts() {
  CapturedStream out(stdout);
  print_samples<<<1, 1>>>();
  CHECK(cudaDeviceSynchronize());
  print_strings<<<1, 1>>>();
  CHECK(cudaDeviceSynchronize());
  expect_text(out.finish(), host_samples() + "constant global shared local\n", "the samples");
}

static void test_order() {
  CapturedStream out(stdout);
  std::string expected = "before\n";
  std::printf("before\n");
  print_threads<<<3, 70>>>();
  std::printf("behind the launch\n");
  expected += "behind the launch\n";
  CHECK(cudaDeviceSynchronize());
  for (int block = 0; block < 3; ++block) {
    for (int thread = 0; thread < 70; thread += 3) {
      expected += "block " + std::to_string(block) + " thread " + std::to_string(thread) + "\n";
    }
  }
  std::printf("after\n");
  expect_text(out.finish(), expected + "after\n", "three blocks");
}

/// Nothing appears before a call that synchronises, and everything at each of them.
static void test_when() {
  CapturedStream out(stdout);
  cudaStream_t stream;
  cudaEvent_t event;
  int *values = nullptr, host = 0;
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaEventCreate(&event));
  CHECK(cudaMalloc(&values, sizeof(int)));
  print_number<<<1, 1, 0, stream>>>(1);
  print_number<<<1, 1, 0, stream>>>(2);
  CHECK(cudaEventRecord(event, stream));
  expect_text(out.text(), "", "a launch");
  CHECK(cudaStreamSynchronize(stream));
  expect_text(out.text(), "<1><2>", "cudaStreamSynchronize");
  print_number<<<1, 1>>>(3);
  CHECK(cudaEventRecord(event));
  CHECK(cudaEventSynchronize(event));
  expect_text(out.text(), "<1><2><3>", "cudaEventSynchronize");
  print_number<<<1, 1>>>(4);
  CHECK(cudaMemcpy(&host, values, sizeof host, cudaMemcpyDeviceToHost));
  expect_text(out.text(), "<1><2><3><4>", "cudaMemcpy");
  print_number<<<1, 1>>>(5);
  CHECK(cudaDeviceReset());
  expect_text(out.finish(), "<1><2><3><4><5>", "cudaDeviceReset");
}

static void test_results() {
  CapturedStream out(stdout);
  int *device = nullptr, results[4] = {};
  CHECK(cudaMalloc(&device, sizeof results));
  return_values<<<1, 1>>>(device, nullptr);
  CHECK(cudaMemcpy(results, device, sizeof results, cudaMemcpyDeviceToHost));
  expect_text(out.finish(), "no arguments\n1 2.000000 three\n12345678901234567890123456789012 %d\n",
              "the kernel");
  REQUIRE(results[0] == 0 && results[1] == 3 && results[2] == -1 && results[3] == 32,
          "printf returned %d, %d, %d, %d", results[0], results[1], results[2], results[3]);
  CHECK(cudaFree(device));
}

/// Of more than the buffer takes the last part is left.
static void test_limit() {
  constexpr int kLines = 10000;
  size_t bytes = 0;
  CHECK(cudaDeviceReset());
  CHECK(cudaDeviceGetLimit(&bytes, cudaLimitPrintfFifoSize));
  REQUIRE(bytes == 1 << 20, "the buffer has %zu bytes", bytes);
  CHECK(cudaDeviceSetLimit(cudaLimitPrintfFifoSize, 4096));
  CapturedStream out(stdout);
  print_much<<<1, 1>>>(kLines);
  CHECK(cudaDeviceSynchronize());
  const std::string text = out.finish();
  const std::string last = "line " + std::to_string(kLines - 1) + "\n";
  REQUIRE(text.size() > 200 && text.size() <= 4096, "%zu bytes of output", text.size());
  REQUIRE(text.compare(text.size() - last.size(), last.size(), last) == 0, "the last line is missing");
  EXPECT_STATUS(cudaDeviceSetLimit(cudaLimitPrintfFifoSize, 1 << 20), cudaErrorInvalidValue);
  REQUIRE(cudaGetLastError() == cudaErrorInvalidValue, "the error was not kept");
}

int main() {
  test_texts();
  test_order();
  test_when();
  test_results();
  test_limit();
  return passed("printf in kernels");
}
