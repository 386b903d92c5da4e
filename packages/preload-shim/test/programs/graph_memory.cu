// Memory that graphs allocate and free: by hand and captured, freed by the graph, by another and by the
// program.
#include <cstdint>
#include <vector>

#include "check.h"

constexpr int kCount = 1 << 16;
constexpr size_t kBytes = kCount * sizeof(int);
constexpr std::uint64_t kPages = 2 << 20;  // what an allocation of kBytes takes

__global__ void multiply(const int* in, int* out, int factor) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < kCount) out[i] = in[i] * factor;
}

static std::uint64_t attribute(cudaGraphMemAttributeType which) {
  std::uint64_t value = 0;
  CHECK(cudaDeviceGetGraphMemAttribute(0, which, &value));
  return value;
}

static void expect_bytes(std::uint64_t used, std::uint64_t reserved) {
  const std::uint64_t is_used = attribute(cudaGraphMemAttrUsedMemCurrent);
  const std::uint64_t is_reserved = attribute(cudaGraphMemAttrReservedMemCurrent);
  REQUIRE(is_used == used, "%llu bytes are used", static_cast<unsigned long long>(is_used));
  REQUIRE(is_reserved == reserved, "%llu bytes are reserved", static_cast<unsigned long long>(is_reserved));
}

static cudaMemAllocNodeParams of_bytes(size_t bytes) {
  cudaMemAllocNodeParams parameters{};
  parameters.poolProps.allocType = cudaMemAllocationTypePinned;
  parameters.poolProps.location.type = cudaMemLocationTypeDevice;
  parameters.bytesize = bytes;
  return parameters;
}

/// A graph with one allocation that stays, and its address.
static cudaGraph_t allocating(int** pointer) {
  cudaGraph_t graph = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaMemAllocNodeParams parameters = of_bytes(kBytes);
  CHECK(cudaGraphCreate(&graph, 0));
  CHECK(cudaGraphAddMemAllocNode(&node, graph, nullptr, 0, &parameters));
  *pointer = static_cast<int*>(parameters.dptr);
  return graph;
}

static cudaGraphExec_t instance(cudaGraph_t graph, unsigned long long flags = 0) {
  cudaGraphExec_t exec = nullptr;
  CHECK(cudaGraphInstantiate(&exec, graph, flags));
  return exec;
}

/// Three buffers for one computation, captured; the third stands where the first was.
static void captured(cudaStream_t stream) {
  std::vector<int> host(kCount);
  std::vector<int> result(kCount);
  int* first = nullptr;
  int* second = nullptr;
  int* third = nullptr;
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(cudaMallocAsync(&first, kBytes, stream));
  CHECK(cudaMallocAsync(&second, kBytes, stream));
  REQUIRE(first != nullptr && second != nullptr && first != second, "two buffers at %p",
          static_cast<void*>(first));
  CHECK(cudaMemcpyAsync(first, host.data(), kBytes, cudaMemcpyHostToDevice, stream));
  multiply<<<kCount / 256, 256, 0, stream>>>(first, second, 3);
  CHECK(cudaFreeAsync(first, stream));
  CHECK(cudaMallocAsync(&third, kBytes, stream));
  REQUIRE(third == first, "what was freed is not used again: %p, %p", static_cast<void*>(first),
          static_cast<void*>(third));
  multiply<<<kCount / 256, 256, 0, stream>>>(second, third, -1);
  CHECK(cudaMemcpyAsync(result.data(), third, kBytes, cudaMemcpyDeviceToHost, stream));
  CHECK(cudaFreeAsync(second, stream));
  CHECK(cudaFreeAsync(third, stream));
  // No allocation of a graph.
  EXPECT_STATUS(cudaFreeAsync(host.data(), stream), cudaErrorInvalidValue);
  CHECK(cudaStreamEndCapture(stream, &graph));
  expect_bytes(0, 0);

  cudaGraphExec_t exec = instance(graph);
  CHECK(cudaGraphDestroy(graph));
  for (int round = 1; round < 4; ++round) {
    for (int i = 0; i < kCount; ++i) host[i] = i * round;
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < kCount; ++i) {
      REQUIRE(result[i] == -3 * i * round, "element %d is %d in round %d", i, result[i], round);
    }
    expect_bytes(0, 2 * kPages);
  }
  REQUIRE(attribute(cudaGraphMemAttrUsedMemHigh) == 2 * kPages, "the most was not two buffers");
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaDeviceGraphMemTrim(0));
  expect_bytes(0, 0);
}

/// A stream that takes part in a capture frees something, is joined, and ends before the capture does.
static void freed_on_a_stream_of_its_own(cudaStream_t stream) {
  int* memory = nullptr;
  cudaGraph_t graph = nullptr;
  cudaStream_t other;
  cudaEvent_t fork;
  cudaEvent_t join;
  CHECK(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
  CHECK(cudaEventCreate(&fork));
  CHECK(cudaEventCreate(&join));
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(cudaMallocAsync(&memory, kBytes, stream));
  CHECK(cudaEventRecord(fork, stream));
  CHECK(cudaStreamWaitEvent(other, fork, 0));
  CHECK(cudaMemsetAsync(memory, 0, kBytes, other));
  CHECK(cudaFreeAsync(memory, other));
  CHECK(cudaEventRecord(join, other));
  CHECK(cudaStreamWaitEvent(stream, join, 0));
  CHECK(cudaStreamDestroy(other));
  CHECK(cudaEventDestroy(fork));
  CHECK(cudaEventDestroy(join));
  CHECK(cudaStreamEndCapture(stream, &graph));
  size_t count = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &count));
  REQUIRE(count == 3, "%zu nodes", count);
  cudaGraphExec_t exec = instance(graph);
  CHECK(cudaGraphLaunch(exec, stream));
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaDeviceGraphMemTrim(0));
}

static void freed_by_the_program(cudaStream_t stream) {
  int* memory = nullptr;
  int host = 7;
  cudaGraph_t graph = allocating(&memory);
  cudaGraphExec_t exec = instance(graph);
  CHECK(cudaGraphDestroy(graph));
  // Not allocated yet.
  EXPECT_STATUS(cudaFree(memory), cudaErrorInvalidValue);
  CHECK(cudaGraphLaunch(exec, stream));
  expect_bytes(kPages, kPages);
  CHECK(cudaMemcpy(memory, &host, sizeof host, cudaMemcpyHostToDevice));
  // Still allocated.
  EXPECT_STATUS(cudaGraphLaunch(exec, stream), cudaErrorInvalidValue);
  CHECK(cudaDeviceGraphMemTrim(0));
  host = 0;
  CHECK(cudaMemcpy(&host, memory, sizeof host, cudaMemcpyDeviceToHost));
  REQUIRE(host == 7, "the memory has %d", host);
  CHECK(cudaFree(memory));
  expect_bytes(0, kPages);
  EXPECT_STATUS(cudaFree(memory), cudaErrorInvalidValue);
  CHECK(cudaGraphLaunch(exec, stream));
  CHECK(cudaFreeAsync(memory, stream));
  EXPECT_STATUS(cudaFreeAsync(memory, stream), cudaErrorInvalidValue);

  // It outlives the graph.
  CHECK(cudaGraphLaunch(exec, stream));
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaMemset(memory, 0, kBytes));
  CHECK(cudaFree(memory));
  EXPECT_STATUS(cudaFree(memory), cudaErrorInvalidValue);
  CHECK(cudaDeviceGraphMemTrim(0));
  expect_bytes(0, 0);
  EXPECT_STATUS(cudaMemset(memory, 0, kBytes), cudaErrorInvalidValue);
}

static void freed_by_the_next_launch(cudaStream_t stream) {
  int* memory = nullptr;
  cudaGraph_t graph = allocating(&memory);
  cudaGraphExec_t exec = instance(graph, cudaGraphInstantiateFlagAutoFreeOnLaunch);
  for (int i = 0; i < 3; ++i) {
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaMemsetAsync(memory, i, kBytes, stream));
    expect_bytes(kPages, kPages);
  }
  CHECK(cudaFreeAsync(memory, stream));
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphDestroy(graph));
}

static void freed_by_another_graph(cudaStream_t stream) {
  int* memory = nullptr;
  cudaGraph_t graph = allocating(&memory);
  cudaGraph_t other = nullptr;
  cudaGraphNode_t node = nullptr;
  CHECK(cudaGraphCreate(&other, 0));
  CHECK(cudaGraphAddMemFreeNode(&node, other, nullptr, 0, memory));
  // Once, and not in its own graph too.
  EXPECT_STATUS(cudaGraphAddMemFreeNode(&node, other, nullptr, 0, memory), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphAddMemFreeNode(&node, graph, nullptr, 0, memory), cudaErrorInvalidValue);
  void* freed = nullptr;
  cudaGraphNodeType type = cudaGraphNodeTypeCount;
  CHECK(cudaGraphMemFreeNodeGetParams(node, &freed));
  CHECK(cudaGraphNodeGetType(node, &type));
  REQUIRE(freed == memory && type == cudaGraphNodeTypeMemFree, "a node of type %d frees %p", type, freed);
  cudaGraphExec_t allocate = instance(graph);
  cudaGraphExec_t free = instance(other);
  EXPECT_STATUS(cudaGraphLaunch(free, stream), cudaErrorInvalidValue);
  for (int i = 0; i < 2; ++i) {
    CHECK(cudaGraphLaunch(allocate, stream));
    CHECK(cudaMemsetAsync(memory, 1, kBytes, stream));
    CHECK(cudaGraphLaunch(free, stream));
    expect_bytes(0, kPages);
  }
  CHECK(cudaGraphExecDestroy(allocate));
  CHECK(cudaGraphExecDestroy(free));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaGraphDestroy(other));
}

/// Graphs one after the other share memory at addresses of their own.
static void shared_memory(cudaStream_t stream) {
  constexpr int kGraphs = 5;
  int* memory[kGraphs];
  cudaGraphExec_t execs[kGraphs];
  CHECK(cudaDeviceGraphMemTrim(0));
  for (int i = 0; i < kGraphs; ++i) {
    cudaGraphNode_t nodes[3];
    cudaMemAllocNodeParams parameters = of_bytes(kBytes);
    cudaGraph_t graph = nullptr;
    CHECK(cudaGraphCreate(&graph, 0));
    CHECK(cudaGraphAddMemAllocNode(&nodes[0], graph, nullptr, 0, &parameters));
    memory[i] = static_cast<int*>(parameters.dptr);
    cudaMemsetParams fill{};
    fill.dst = memory[i];
    fill.elementSize = 4;
    fill.width = kCount;
    fill.height = 1;
    fill.value = i;
    CHECK(cudaGraphAddMemsetNode(&nodes[1], graph, &nodes[0], 1, &fill));
    CHECK(cudaGraphAddMemFreeNode(&nodes[2], graph, &nodes[1], 1, memory[i]));
    for (int k = 0; k < i; ++k) REQUIRE(memory[k] != memory[i], "graphs %d and %d have one address", k, i);
    execs[i] = instance(graph);
    CHECK(cudaGraphDestroy(graph));
  }
  for (int round = 0; round < 2; ++round) {
    for (cudaGraphExec_t exec : execs) {
      CHECK(cudaGraphLaunch(exec, stream));
      expect_bytes(0, kPages);
    }
  }
  for (cudaGraphExec_t exec : execs) CHECK(cudaGraphExecDestroy(exec));
}

/// A launch for which there is not enough memory changes nothing.
static void too_much(cudaStream_t stream) {
  size_t free = 0;
  size_t total = 0;
  cudaGraph_t graph = nullptr;
  cudaGraphNode_t node = nullptr;
  CHECK(cudaDeviceGraphMemTrim(0));
  CHECK(cudaMemGetInfo(&free, &total));
  CHECK(cudaGraphCreate(&graph, 0));
  void* pointers[3];
  for (void*& pointer : pointers) {
    cudaMemAllocNodeParams parameters = of_bytes(total / 2);
    CHECK(cudaGraphAddMemAllocNode(&node, graph, nullptr, 0, &parameters));
    pointer = parameters.dptr;
  }
  cudaGraphExec_t exec = instance(graph);
  EXPECT_STATUS(cudaGraphLaunch(exec, stream), cudaErrorMemoryAllocation);
  REQUIRE(attribute(cudaGraphMemAttrUsedMemCurrent) == 0, "memory is used");
  for (void* pointer : pointers) EXPECT_STATUS(cudaFree(pointer), cudaErrorInvalidValue);
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaDeviceGraphMemTrim(0));
  size_t after = 0;
  CHECK(cudaMemGetInfo(&after, &total));
  REQUIRE(after >= free, "%zu bytes are free, before %zu", after, free);
}

static void mistakes(cudaStream_t stream) {
  int* memory = nullptr;
  cudaGraph_t graph = allocating(&memory);
  cudaGraph_t other = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaGraphNode_t child = nullptr;
  cudaGraphExec_t second = nullptr;
  cudaGraphExecUpdateResultInfo update{};
  CHECK(cudaGraphCreate(&other, 0));
  size_t count = 1;
  CHECK(cudaGraphGetNodes(graph, &node, &count));
  cudaMemAllocNodeParams parameters{};
  CHECK(cudaGraphMemAllocNodeGetParams(node, &parameters));
  REQUIRE(parameters.bytesize == kBytes && parameters.dptr == memory, "%zu bytes at %p", parameters.bytesize,
          parameters.dptr);
  EXPECT_STATUS(cudaGraphMemFreeNodeGetParams(node, &parameters.dptr), cudaErrorInvalidValue);
  // Neither copies nor parts of other graphs, and one instance at a time.
  EXPECT_STATUS(cudaGraphClone(&other, graph), cudaErrorNotSupported);
  EXPECT_STATUS(cudaGraphAddChildGraphNode(&child, other, nullptr, 0, graph), cudaErrorNotSupported);
  cudaGraphExec_t exec = instance(graph);
  EXPECT_STATUS(cudaGraphInstantiate(&second, graph, 0), cudaErrorNotSupported);
  EXPECT_STATUS(cudaGraphExecUpdate(exec, graph, &update), cudaErrorGraphExecUpdateFailure);
  REQUIRE(update.result == cudaGraphExecUpdateErrorNotSupported, "updating says %d", update.result);
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  EXPECT_STATUS(cudaGraphLaunch(exec, stream), cudaErrorNotSupported);
  cudaGraph_t empty = nullptr;
  CHECK(cudaStreamEndCapture(stream, &empty));
  CHECK(cudaGraphDestroy(empty));
  CHECK(cudaGraphExecDestroy(exec));
  exec = instance(graph);
  CHECK(cudaGraphExecDestroy(exec));

  CHECK(cudaGraphAddMemFreeNode(&child, graph, &node, 1, memory));
  EXPECT_STATUS(cudaGraphAddMemFreeNode(&child, graph, &node, 1, memory), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphAddMemFreeNode(&child, other, nullptr, 0, memory), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGraphAddMemFreeNode(&child, other, nullptr, 0, memory + 1), cudaErrorInvalidValue);
  parameters = of_bytes(0);
  EXPECT_STATUS(cudaGraphAddMemAllocNode(&child, other, nullptr, 0, &parameters), cudaErrorInvalidValue);
  parameters = of_bytes(64);
  parameters.poolProps.location.id = 5;
  EXPECT_STATUS(cudaGraphAddMemAllocNode(&child, other, nullptr, 0, &parameters), cudaErrorInvalidDevice);
  EXPECT_STATUS(cudaGraphAddMemAllocNode(&child, other, nullptr, 0, nullptr), cudaErrorInvalidValue);
  std::uint64_t value = 1;
  EXPECT_STATUS(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemHigh, &value),
                cudaErrorInvalidValue);
  value = 0;
  EXPECT_STATUS(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemCurrent, &value),
                cudaErrorInvalidValue);
  CHECK(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemHigh, &value));
  REQUIRE(attribute(cudaGraphMemAttrUsedMemHigh) == 0, "the mark is where it was");
  EXPECT_STATUS(cudaDeviceGraphMemTrim(9), cudaErrorInvalidDevice);
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaGraphDestroy(other));
}

int main() {
  cudaStream_t stream;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  captured(stream);
  freed_on_a_stream_of_its_own(stream);
  freed_by_the_program(stream);
  freed_by_the_next_launch(stream);
  freed_by_another_graph(stream);
  shared_memory(stream);
  too_much(stream);
  mistakes(stream);
  CHECK(cudaStreamDestroy(stream));
  return passed("memory of graphs");
}
