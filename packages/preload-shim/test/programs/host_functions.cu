// Functions of the host in a stream: called once each, in order, after the work before them and before what
// follows.
#include <vector>

#include "check.h"

__global__ void store(int* target, int value) {
  *target = value;
}

struct Log {
  int* host;
  std::vector<int> seen;
};

void note(void* argument) {
  Log* log = static_cast<Log*>(argument);
  log->seen.push_back(*log->host);
  *log->host = 100;  // before the next copy of the stream reads it
}

void CUDART_CB note_status(cudaStream_t, cudaError_t status, void* argument) {
  static_cast<Log*>(argument)->seen.push_back(1000 + status);
}

int main() {
  cudaStream_t stream;
  int *device = nullptr, *host = nullptr, value = 0;
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaMalloc(&device, sizeof(int)));
  CHECK(cudaMallocHost(&host, sizeof(int)));
  Log log{host, {}};
  store<<<1, 1, 0, stream>>>(device, 5);
  CHECK(cudaMemcpyAsync(host, device, sizeof(int), cudaMemcpyDeviceToHost, stream));
  CHECK(cudaLaunchHostFunc(stream, note, &log));
  CHECK(cudaMemcpyAsync(device, host, sizeof(int), cudaMemcpyHostToDevice, stream));
  CHECK(cudaStreamAddCallback(stream, note_status, &log, 0));
  CHECK(cudaMemcpyAsync(&value, device, sizeof(int), cudaMemcpyDeviceToHost, stream));
  CHECK(cudaStreamSynchronize(stream));
  REQUIRE(log.seen == (std::vector<int>{5, 1000}), "%zu calls, the first saw %d", log.seen.size(),
          log.seen[0]);
  REQUIRE(value == 100, "the copy after the function read %d", value);

  EXPECT_STATUS(cudaLaunchHostFunc(stream, nullptr, &log), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaStreamAddCallback(stream, nullptr, &log, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaStreamAddCallback(stream, note_status, &log, 1), cudaErrorInvalidValue);
  CHECK(cudaStreamDestroy(stream));
  EXPECT_STATUS(cudaLaunchHostFunc(stream, note, &log), cudaErrorInvalidResourceHandle);
  EXPECT_STATUS(cudaStreamAddCallback(stream, note_status, &log, 0), cudaErrorInvalidResourceHandle);
  REQUIRE(log.seen.size() == 2, "a refused call was made");

  // After a fault: one kind is told, the other is not called.
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle ? cudaSuccess : cudaErrorUnknown);
  store<<<1, 1>>>(nullptr, 1);
  EXPECT_STATUS(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_STATUS(cudaLaunchHostFunc(nullptr, note, &log), cudaErrorIllegalAddress);
  REQUIRE(log.seen.size() == 2, "a function was called after the context had died");
  return passed("functions of the host");
}
