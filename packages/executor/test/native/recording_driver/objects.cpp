// The recording driver's devices, contexts, modules, streams and events.
#include <cstdio>
#include <cstring>
#include <string_view>

#include "exported.h"

using namespace vgpu::executor::test;

namespace {

// More than a pipe holds, as CUDA shows what kernels have printed; and what an assertion says.
void print_much() {
  for (int i = 0; i < 20'000; ++i) std::printf("line %d\n", i);
  std::fprintf(stderr, "assertion failed\n");
}

}  // namespace

CUresult cuInit(unsigned int flags) {
  return record("cuInit", {{"flags", flags}});
}

CUresult cuDriverGetVersion(int* version) {
  *version = 13000;
  return record("cuDriverGetVersion", {});
}

CUresult cuDeviceGetCount(int* count) {
  *count = has_rule("cuDeviceGetCount", "none") ? 0 : 2;
  return record("cuDeviceGetCount", {});
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  // Not the ordinal: nobody may take one for the other.
  *device = 40 + ordinal;
  return record("cuDeviceGet", {{"ordinal", static_cast<std::uint64_t>(ordinal)}});
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  std::snprintf(name, static_cast<std::size_t>(length), "Recording device %d", device);
  return record("cuDeviceGetName", {});
}

CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) {
  std::memset(uuid->bytes, device, sizeof(uuid->bytes));
  return record("cuDeviceGetUuid_v2", {});
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice) {
  *bytes = std::size_t{16} << 30;
  return record("cuDeviceTotalMem_v2", {});
}

CUresult cuDeviceGetPCIBusId(char* id, int length, CUdevice) {
  std::snprintf(id, static_cast<std::size_t>(length), "0000:3b:00.0");
  return record("cuDeviceGetPCIBusId", {});
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  // As an older driver: it knows some of the attributes, and says 1 to all of them.
  *value = 1;
  return attribute <= CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  const CUresult result =
      record("cuDevicePrimaryCtxRetain", {{"device", static_cast<std::uint64_t>(device)}});
  if (result == CUDA_SUCCESS) *context = handle<CUcontext>(create());
  return result;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return record("cuDevicePrimaryCtxRelease_v2", {{"device", static_cast<std::uint64_t>(device)}});
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return record("cuDevicePrimaryCtxReset_v2", {{"device", static_cast<std::uint64_t>(device)}});
}

CUresult cuCtxCreate_v2(CUcontext* context, unsigned int flags, CUdevice) {
  const CUresult result = record("cuCtxCreate_v2", {{"flags", flags}});
  if (result == CUDA_SUCCESS) *context = handle<CUcontext>(create());
  return result;
}

CUresult cuCtxDestroy_v2(CUcontext context) {
  const CUresult result = record("cuCtxDestroy_v2", {{"context", number(context)}});
  return result == CUDA_SUCCESS ? forget(number(context)) : result;
}

CUresult cuCtxPopCurrent_v2(CUcontext*) {
  return record("cuCtxPopCurrent_v2", {});
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return record("cuCtxSetCurrent", {{"context", number(context)}});
}

CUresult cuCtxSynchronize() {
  const CUresult result = record("cuCtxSynchronize", {});
  if (has_rule("cuCtxSynchronize", "prints")) print_much();
  if (result == CUDA_SUCCESS) work_until();
  return result;
}

CUresult cuCtxGetLimit(size_t* value, CUlimit limit) {
  *value = 4711;
  return record("cuCtxGetLimit", {{"limit", static_cast<std::uint64_t>(limit)}});
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  const CUresult result =
      record("cuModuleLoadData", {{"characters", std::strlen(static_cast<const char*>(image))}});
  if (result == CUDA_SUCCESS) *module = handle<CUmodule>(create());
  return result;
}

CUresult cuModuleUnload(CUmodule module) {
  const CUresult result = record("cuModuleUnload", {{"module", number(module)}});
  return result == CUDA_SUCCESS ? forget(number(module)) : result;
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  const CUresult result = record("cuModuleGetFunction", {{"module", number(module)}});
  if (result != CUDA_SUCCESS) return result;
  if (std::string_view(name) == "missing") return CUDA_ERROR_NOT_FOUND;
  // The same function each time, as in CUDA; it goes with its module.
  *function = handle<CUfunction>(number(module) << 16);
  return CUDA_SUCCESS;
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned int count, CUmodule module) {
  const CUresult result =
      record("cuModuleEnumerateFunctions", {{"count", count}, {"module", number(module)}});
  if (result == CUDA_SUCCESS && count > 0) *functions = handle<CUfunction>(number(module) << 16);
  return result;
}

CUresult cuFuncGetName(const char** name, CUfunction function) {
  *name = "kernel";
  return record("cuFuncGetName", {{"function", number(function)}});
}

CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
  *module = handle<CUmodule>(number(function) >> 16);
  return record("cuFuncGetModule", {{"function", number(function)}});
}

// Every kernel has a pointer and two integers.
CUresult cuFuncGetParamInfo(CUfunction, size_t index, size_t* offset, size_t* bytes) {
  constexpr std::size_t kOffsets[] = {0, 8, 12};
  constexpr std::size_t kBytes[] = {8, 4, 4};
  const CUresult result = record("cuFuncGetParamInfo", {{"index", index}});
  if (result != CUDA_SUCCESS) return result;
  if (index >= 3) return CUDA_ERROR_INVALID_VALUE;
  *offset = kOffsets[index];
  *bytes = kBytes[index];
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int, unsigned int,
                        unsigned int block_x, unsigned int, unsigned int, unsigned int, CUstream stream,
                        void** parameters, void** extra) {
  const bool packed = parameters == nullptr && extra != nullptr && number(extra[0]) == 1 &&
                      number(extra[2]) == 2 && extra[4] == nullptr;
  return record("cuLaunchKernel", {{"function", number(function)},
                                   {"grid", grid_x},
                                   {"block", block_x},
                                   {"stream", number(stream)},
                                   {"bytes", packed ? *static_cast<size_t*>(extra[3]) : 0}});
}

CUresult cuStreamCreate(CUstream* stream, unsigned int flags) {
  const CUresult result = record("cuStreamCreate", {{"flags", flags}});
  if (result == CUDA_SUCCESS) *stream = handle<CUstream>(create());
  return result;
}

CUresult cuStreamSynchronize(CUstream stream) {
  const CUresult result = record("cuStreamSynchronize", {{"stream", number(stream)}});
  if (result == CUDA_SUCCESS) work_until();
  return result;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  const CUresult result = record("cuStreamDestroy_v2", {{"stream", number(stream)}});
  return result == CUDA_SUCCESS ? forget(number(stream)) : result;
}

CUresult cuEventCreate(CUevent* event, unsigned int flags) {
  const CUresult result = record("cuEventCreate", {{"flags", flags}});
  if (result == CUDA_SUCCESS) *event = handle<CUevent>(create());
  return result;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  state().marks[number(event)] = state().done + state().work.size();
  return record("cuEventRecord", {{"event", number(event)}, {"stream", number(stream)}});
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
  return record("cuStreamWaitEvent",
                {{"stream", number(stream)}, {"event", number(event)}, {"flags", flags}});
}

CUresult cuEventSynchronize(CUevent event) {
  const CUresult result = record("cuEventSynchronize", {{"event", number(event)}});
  if (result == CUDA_SUCCESS) work_until(state().marks[number(event)]);
  return result;
}

CUresult cuEventDestroy_v2(CUevent event) {
  const CUresult result = record("cuEventDestroy_v2", {{"event", number(event)}});
  return result == CUDA_SUCCESS ? forget(number(event)) : result;
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent, CUevent) {
  *milliseconds = 2.5F;
  return record("cuEventElapsedTime", {});
}
