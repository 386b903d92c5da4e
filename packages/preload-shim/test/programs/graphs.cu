// Stream capture and graphs: what is recorded runs at each launch and not before; several streams in one
// capture; update; graphs made by hand; and the mistakes that the documentation names.
#include <vector>

#include "check.h"

constexpr int kCount = 600;
constexpr size_t kBytes = kCount * sizeof(int);

__global__ void add(int* values, int amount) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kCount) values[i] += amount;
}

__global__ void combine(int* target, const int* left, const int* right) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kCount) target[i] = left[i] * 10 + right[i];
}

struct Buffers {
  int *left, *right, *target;
  std::vector<int> host = std::vector<int>(kCount);
  Buffers() {
    CHECK(cudaMalloc(&left, kBytes));
    CHECK(cudaMalloc(&right, kBytes));
    CHECK(cudaMalloc(&target, kBytes));
  }
  ~Buffers() {
    CHECK(cudaFree(left));
    CHECK(cudaFree(right));
    CHECK(cudaFree(target));
  }
  void expect(const int* device, int value) {
    CHECK(cudaMemcpy(host.data(), device, kBytes, cudaMemcpyDeviceToHost));
    for (int i = 0; i < kCount; ++i) REQUIRE(host[i] == value, "element %d is %d, not %d", i, host[i], value);
  }
};

void launches_add(int* values, int amount, cudaStream_t stream) {
  add<<<3, 256, 0, stream>>>(values, amount);
  CHECK(cudaGetLastError());
}

cudaGraphExec_t instantiate(cudaGraph_t graph) {
  cudaGraphExec_t exec = nullptr;
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  return exec;
}

void one_stream(cudaStream_t stream) {
  Buffers buffers;
  int pinned = 0, calls = 0;
  cudaStreamCaptureStatus status;
  cudaGraph_t graph = nullptr;
  CHECK(cudaMemset(buffers.left, 0, kBytes));
  CHECK(cudaStreamIsCapturing(stream, &status));
  REQUIRE(status == cudaStreamCaptureStatusNone, "capturing before it began");
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  CHECK(cudaStreamIsCapturing(stream, &status));
  REQUIRE(status == cudaStreamCaptureStatusActive, "not capturing");
  launches_add(buffers.left, 2, stream);
  CHECK(cudaMemcpyAsync(buffers.left, &pinned, sizeof(int), cudaMemcpyHostToDevice, stream));
  CHECK(cudaMemcpyAsync(buffers.right, buffers.left, kBytes, cudaMemcpyDeviceToDevice, stream));
  CHECK(cudaMemsetAsync(buffers.target, 0xff, kBytes, stream));
  CHECK(cudaLaunchHostFunc(
      stream, [](void* count) { ++*static_cast<int*>(count); }, &calls));
  CHECK(cudaStreamEndCapture(stream, &graph));
  REQUIRE(graph != nullptr && calls == 0, "captured calls were carried out");
  buffers.expect(buffers.left, 0);

  cudaGraphExec_t exec = instantiate(graph);
  size_t nodes = 0, edges = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(cudaGraphGetEdges(graph, nullptr, nullptr, nullptr, &edges));
  REQUIRE(nodes == 5 && edges == 4, "%zu nodes, %zu edges", nodes, edges);
  CHECK(cudaGraphDestroy(graph));  // the executable graph does not need it
  for (int launch = 1; launch <= 3; ++launch) {
    pinned = 2 * launch;  // read at each launch, not when it was captured
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    buffers.expect(buffers.right, 2 * launch);
    buffers.expect(buffers.target, -1);
    REQUIRE(calls == launch, "%d calls after %d launches", calls, launch);
  }
  CHECK(cudaGraphExecDestroy(exec));
  EXPECT_STATUS(cudaGraphLaunch(exec, stream), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphDestroy(graph), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorInvalidValue);
}

/// Two streams; `amount` differs from graph to graph, and with it the kernels' arguments.
cudaGraph_t fork_and_join(Buffers& buffers, cudaStream_t first, cudaStream_t second, int amount) {
  cudaEvent_t fork, join;
  cudaGraph_t graph = nullptr;
  CHECK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
  CHECK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal));
  CHECK(cudaMemsetAsync(buffers.left, 0, kBytes, first));
  CHECK(cudaEventRecord(fork, first));
  CHECK(cudaStreamWaitEvent(second, fork, 0));
  CHECK(cudaMemsetAsync(buffers.right, 0, kBytes, second));
  launches_add(buffers.right, amount, second);
  launches_add(buffers.left, amount + 1, first);
  CHECK(cudaEventRecord(join, second));
  CHECK(cudaStreamWaitEvent(first, join, 0));
  combine<<<3, 256, 0, first>>>(buffers.target, buffers.left, buffers.right);
  CHECK(cudaStreamEndCapture(first, &graph));
  CHECK(cudaEventDestroy(fork));
  CHECK(cudaEventDestroy(join));
  return graph;
}

void two_streams_and_update(cudaStream_t first, cudaStream_t second) {
  Buffers buffers;
  cudaGraphExecUpdateResultInfo info;
  cudaGraph_t graph = fork_and_join(buffers, first, second, 3);
  cudaGraphNode_t nodes[8] = {}, before[4] = {};
  size_t count = 8, dependencies = 4;
  CHECK(cudaGraphGetNodes(graph, nodes, &count));
  REQUIRE(count == 5 && nodes[5] == nullptr, "%zu nodes", count);
  CHECK(cudaGraphNodeGetDependencies(nodes[4], before, nullptr, &dependencies));
  REQUIRE(dependencies == 2, "the last kernel comes after %zu nodes", dependencies);
  cudaGraphExec_t exec = instantiate(graph);
  CHECK(cudaGraphLaunch(exec, second));
  CHECK(cudaStreamSynchronize(second));
  buffers.expect(buffers.target, 43);

  cudaGraph_t other = fork_and_join(buffers, first, second, 7);
  CHECK(cudaGraphExecUpdate(exec, other, &info));
  REQUIRE(info.result == cudaGraphExecUpdateSuccess, "update: %d", info.result);
  CHECK(cudaGraphLaunch(exec, first));
  CHECK(cudaDeviceSynchronize());
  buffers.expect(buffers.target, 87);
  CHECK(cudaGraphDestroy(other));

  // A graph of another shape is refused, and the executable one stays what it was.
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  CHECK(cudaMemsetAsync(buffers.target, 0, kBytes, first));
  CHECK(cudaStreamEndCapture(first, &other));
  EXPECT_STATUS(cudaGraphExecUpdate(exec, other, &info), cudaErrorGraphExecUpdateFailure);
  REQUIRE(info.result == cudaGraphExecUpdateErrorTopologyChanged, "update: %d", info.result);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorGraphExecUpdateFailure);
  CHECK(cudaMemset(buffers.target, 0, kBytes));
  CHECK(cudaGraphLaunch(exec, first));
  CHECK(cudaDeviceSynchronize());
  buffers.expect(buffers.target, 87);
  CHECK(cudaGraphDestroy(other));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaGraphExecDestroy(exec));
}

void made_by_hand(cudaStream_t stream) {
  Buffers buffers;
  cudaGraph_t graph = nullptr, outer = nullptr, clone = nullptr;
  cudaGraphNode_t fill, kernel, copy, child, mistake;
  int* values = buffers.left;
  int amount = 5;
  void* arguments[] = {&values, &amount};
  CHECK(cudaGraphCreate(&graph, 0));
  cudaMemsetParams zero = {};
  zero.dst = buffers.left;
  zero.elementSize = 4;
  zero.width = kCount;
  zero.height = 1;
  zero.value = 100;
  cudaKernelNodeParams launch = {};
  launch.func = reinterpret_cast<void*>(add);
  launch.gridDim = dim3(3);
  launch.blockDim = dim3(256);
  launch.kernelParams = arguments;
  // In the wrong order, which the dependency makes right.
  CHECK(cudaGraphAddKernelNode(&kernel, graph, nullptr, 0, &launch));
  CHECK(cudaGraphAddMemsetNode(&fill, graph, nullptr, 0, &zero));
  CHECK(cudaGraphAddDependencies(graph, &fill, &kernel, nullptr, 1));
  CHECK(cudaGraphAddMemcpyNode1D(&copy, graph, &kernel, 1, buffers.host.data(), buffers.left, kBytes,
                                 cudaMemcpyDeviceToHost));
  amount = 77;  // arguments are read when the node is made
  CHECK(cudaGraphClone(&clone, graph));
  CHECK(cudaGraphCreate(&outer, 0));
  CHECK(cudaGraphAddChildGraphNode(&child, outer, nullptr, 0, graph));
  cudaGraphExec_t exec = instantiate(outer), plain = instantiate(graph);
  CHECK(cudaGraphLaunch(exec, stream));
  CHECK(cudaStreamSynchronize(stream));
  for (int value : buffers.host) REQUIRE(value == 105, "the copy has %d", value);

  CHECK(cudaGraphExecKernelNodeSetParams(plain, kernel, &launch));
  CHECK(cudaGraphLaunch(plain, stream));
  CHECK(cudaStreamSynchronize(stream));
  for (int value : buffers.host) REQUIRE(value == 177, "the copy has %d", value);

  // A circle has no beginning.
  CHECK(cudaGraphAddDependencies(graph, &copy, &fill, nullptr, 1));
  cudaGraphExec_t none = nullptr;
  EXPECT_STATUS(cudaGraphInstantiate(&none, graph, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphAddMemsetNode(&mistake, outer, &fill, 1, &zero), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphAddKernelNode(&mistake, clone, nullptr, 0, nullptr), cudaErrorInvalidValue);
  launch.blockDim = dim3(5000);
  EXPECT_STATUS(cudaGraphAddKernelNode(&mistake, clone, nullptr, 0, &launch), cudaErrorInvalidValue);
  zero.elementSize = 3;
  EXPECT_STATUS(cudaGraphAddMemsetNode(&mistake, clone, nullptr, 0, &zero), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphCreate(&graph, 1), cudaErrorInvalidValue);
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphExecDestroy(plain));
  CHECK(cudaGraphDestroy(outer));
  CHECK(cudaGraphDestroy(clone));
  CHECK(cudaGraphDestroy(graph));
}

void mistakes(cudaStream_t first, cudaStream_t second) {
  Buffers buffers;
  cudaGraph_t graph = nullptr;
  cudaEvent_t event;
  cudaStreamCaptureStatus status;
  CHECK(cudaEventCreate(&event));
  EXPECT_STATUS(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeRelaxed),
                cudaErrorStreamCaptureUnsupported);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorIllegalState);
  EXPECT_STATUS(cudaStreamBeginCapture(first, static_cast<cudaStreamCaptureMode>(9)), cudaErrorInvalidValue);

  // Waiting for a stream that does not run.
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  EXPECT_STATUS(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed), cudaErrorIllegalState);
  EXPECT_STATUS(cudaStreamSynchronize(first), cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamIsCapturing(first, &status));
  REQUIRE(status == cudaStreamCaptureStatusInvalidated, "the capture goes on");
  EXPECT_STATUS(cudaMemsetAsync(buffers.left, 1, 4, first), cudaErrorStreamCaptureInvalidated);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);
  REQUIRE(graph == nullptr, "a spoiled capture gave a graph");

  // The legacy stream would wait for the captured one.
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  EXPECT_STATUS(cudaMemset(buffers.left, 1, 4), cudaErrorStreamCaptureImplicit);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);

  // An event from outside; an event of the capture outside.
  CHECK(cudaEventRecord(event, second));
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  EXPECT_STATUS(cudaStreamWaitEvent(first, event, 0), cudaErrorStreamCaptureIsolation);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  CHECK(cudaEventRecord(event, first));
  EXPECT_STATUS(cudaEventSynchronize(event), cudaErrorCapturedEvent);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);

  // A stream that joined and never came back; the wrong stream; two captures at once.
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  CHECK(cudaEventRecord(event, first));
  CHECK(cudaStreamWaitEvent(second, event, 0));
  CHECK(cudaMemsetAsync(buffers.left, 1, 4, second));
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureUnjoined);
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  CHECK(cudaEventRecord(event, first));
  CHECK(cudaStreamWaitEvent(second, event, 0));
  EXPECT_STATUS(cudaStreamEndCapture(second, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamBeginCapture(first, cudaStreamCaptureModeRelaxed));
  CHECK(cudaStreamBeginCapture(second, cudaStreamCaptureModeRelaxed));
  CHECK(cudaEventRecord(event, first));
  EXPECT_STATUS(cudaStreamWaitEvent(second, event, 0), cudaErrorStreamCaptureMerge);
  EXPECT_STATUS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_STATUS(cudaStreamEndCapture(second, &graph), cudaErrorStreamCaptureInvalidated);

  EXPECT_STATUS(cudaGetLastError(), cudaErrorStreamCaptureInvalidated);
  // Everything works again afterwards.
  CHECK(cudaMemset(buffers.left, 0, kBytes));
  launches_add(buffers.left, 4, first);
  CHECK(cudaStreamSynchronize(first));
  buffers.expect(buffers.left, 4);
  CHECK(cudaEventDestroy(event));
}

int main() {
  cudaStream_t first, second;
  CHECK(cudaStreamCreate(&first));
  CHECK(cudaStreamCreate(&second));
  one_stream(first);
  two_streams_and_update(first, second);
  made_by_hand(first);
  mistakes(first, second);
  CHECK(cudaStreamDestroy(first));
  CHECK(cudaStreamDestroy(second));
  return passed("graphs");
}
