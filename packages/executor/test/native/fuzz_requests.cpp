#include "fuzz_requests.h"

#include <initializer_list>
#include <map>
#include <string_view>

#include "executor_dispatch.h"
#include "test_module.h"
#include "worker/session.h"

namespace vgpu::executor::test {
namespace {

/// The shape of each call's request: h handle or address, n u64, u u32 or i32, b bytes, s string, l length of
/// a buffer in the answer, d default stream, m module, g multiple of 2 MiB, z mostly 0, A array, T texture,
/// D room for the description of one.
std::string_view shape_of(std::uint32_t call) {
  static const std::map<std::uint32_t, std::string_view> kShapes = {
      {VGPU_CALL_cuDevicePrimaryCtxRetain, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxRelease_v2, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxReset_v2, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxGetState, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxSetFlags_v2, "uu"},
      {VGPU_CALL_vgpuContextCreate, "uu"},
      {VGPU_CALL_vgpuContextDestroy, "h"},
      {VGPU_CALL_vgpuContextDevice, "h"},
      {VGPU_CALL_cuCtxSynchronize, ""},
      {VGPU_CALL_vgpuContextSynchronize, ""},
      {VGPU_CALL_cuCtxGetFlags, ""},
      {VGPU_CALL_cuCtxSetLimit, "un"},
      {VGPU_CALL_cuCtxGetLimit, "u"},
      {VGPU_CALL_vgpuModuleLoad, "m"},
      {VGPU_CALL_cuModuleUnload, "h"},
      {VGPU_CALL_cuModuleGetFunction, "hs"},
      {VGPU_CALL_vgpuModuleGetGlobal, "hs"},
      {VGPU_CALL_cuModuleGetFunctionCount, "h"},
      {VGPU_CALL_vgpuModuleFunctions, "lh"},
      {VGPU_CALL_vgpuFunctionNameLength, "h"},
      {VGPU_CALL_vgpuFunctionName, "lh"},
      {VGPU_CALL_cuFuncGetAttribute, "uh"},
      {VGPU_CALL_cuFuncSetAttribute, "huu"},
      {VGPU_CALL_cuFuncGetModule, "h"},
      {VGPU_CALL_cuFuncGetParamInfo, "hn"},
      {VGPU_CALL_vgpuLaunchKernel, "huuuuuuudb"},
      {VGPU_CALL_vgpuLaunchCooperativeKernel, "huuuuuuudb"},
      {VGPU_CALL_cuMemGetInfo_v2, ""},
      {VGPU_CALL_cuMemAlloc_v2, "n"},
      {VGPU_CALL_cuMemAllocPitch_v2, "nnu"},
      {VGPU_CALL_vgpuMemFree, "h"},
      {VGPU_CALL_vgpuMemAllocShared, "n"},
      {VGPU_CALL_cuMemGetAddressRange_v2, "h"},
      {VGPU_CALL_vgpuPointerContext, "h"},
      {VGPU_CALL_vgpuCopyToDevice, "hndb"},
      {VGPU_CALL_vgpuCopyFromDevice, "hlnd"},
      {VGPU_CALL_vgpuCopyOnDevice, "hhnd"},
      {VGPU_CALL_vgpuRequireRange, "hn"},
      {VGPU_CALL_vgpuCopyRowsToDevice, "hnnndb"},
      {VGPU_CALL_vgpuCopyRowsFromDevice, "lhnnnd"},
      {VGPU_CALL_vgpuCopyRowsOnDevice, "hnhnnnd"},
      {VGPU_CALL_vgpuFill, "hnuunnd"},
      {VGPU_CALL_cuDeviceGetDefaultMemPool, "u"},
      {VGPU_CALL_cuDeviceGetMemPool, "u"},
      {VGPU_CALL_cuDeviceSetMemPool, "uh"},
      {VGPU_CALL_cuMemPoolDestroy, "h"},
      {VGPU_CALL_cuMemPoolTrimTo, "hn"},
      {VGPU_CALL_vgpuMemAllocAsync, "nd"},
      {VGPU_CALL_vgpuMemAllocFromPoolAsync, "nhd"},
      {VGPU_CALL_vgpuMemFreeAsync, "hd"},
      {VGPU_CALL_vgpuMemPoolCreate, "un"},
      {VGPU_CALL_vgpuMemPoolSetAttribute, "hun"},
      {VGPU_CALL_vgpuMemPoolGetAttribute, "hu"},
      {VGPU_CALL_cuMemAddressReserve, "gghz"},
      {VGPU_CALL_cuMemAddressFree, "hg"},
      {VGPU_CALL_cuMemRelease, "h"},
      {VGPU_CALL_cuMemMap, "hgzhz"},
      {VGPU_CALL_cuMemUnmap, "hg"},
      {VGPU_CALL_vgpuMemCreate, "gu"},
      {VGPU_CALL_vgpuMemSetAccess, "hgu"},
      {VGPU_CALL_vgpuMemGetAccess, "h"},
      {VGPU_CALL_vgpuMemHandleDevice, "h"},
      {VGPU_CALL_vgpuMemRetainHandle, "h"},
      {VGPU_CALL_vgpuArrayCreate, "A"},
      {VGPU_CALL_vgpuArrayDescription, "Dh"},
      {VGPU_CALL_cuArrayDestroy, "h"},
      {VGPU_CALL_vgpuCopyRowsToArray, "hnnznndb"},
      {VGPU_CALL_vgpuCopyRowsFromArray, "lhnnznnd"},
      {VGPU_CALL_vgpuCopyDeviceToArray, "hnnzhnnnd"},
      {VGPU_CALL_vgpuCopyArrayToDevice, "hnhnnznnd"},
      {VGPU_CALL_vgpuCopyArrayToArray, "hnnzhnnznnd"},
      {VGPU_CALL_vgpuTexObjectCreate, "T"},
      {VGPU_CALL_vgpuTexObjectDescription, "Dh"},
      {VGPU_CALL_cuTexObjectDestroy, "h"},
      {VGPU_CALL_cuStreamCreate, "u"},
      {VGPU_CALL_cuStreamCreateWithPriority, "uu"},
      {VGPU_CALL_cuStreamGetPriority, "h"},
      {VGPU_CALL_cuStreamGetFlags, "h"},
      {VGPU_CALL_cuStreamGetCtx, "h"},
      {VGPU_CALL_cuStreamGetId, "h"},
      {VGPU_CALL_vgpuStreamWaitEvent, "hhu"},
      {VGPU_CALL_cuStreamQuery, "h"},
      {VGPU_CALL_cuStreamSynchronize, "h"},
      {VGPU_CALL_cuStreamDestroy_v2, "h"},
      {VGPU_CALL_cuEventCreate, "u"},
      {VGPU_CALL_vgpuEventRecord, "hd"},
      {VGPU_CALL_cuEventQuery, "h"},
      {VGPU_CALL_cuEventSynchronize, "h"},
      {VGPU_CALL_cuEventDestroy_v2, "h"},
      {VGPU_CALL_cuEventElapsedTime, "hh"},
      {VGPU_CALL_vgpuBlasOpen, ""},
      {VGPU_CALL_vgpuBlasMultiply, "dP"},
      {VGPU_CALL_vgpuBlasSolve, "dS"},
      {VGPU_CALL_vgpuBlasVector, "dV"},
      {VGPU_CALL_vgpuBlasReduce, "dV"},
      {VGPU_CALL_vgpuOutputPending, ""},
      {VGPU_CALL_vgpuOutputTake, "l"},
      {VGPU_CALL_vgpuDeviceMemory, "u"},
      {VGPU_CALL_vgpuDeviceUtilization, "u"},
      {VGPU_CALL_vgpuDeviceXid, "lu"},
      {VGPU_CALL_vgpuDeviceProcesses, "lu"},
  };
  const auto shape = kShapes.find(call);
  return shape == kShapes.end() ? "hhnnuub" : shape->second;
}

/// Small, so that matrices often lie in memory and are soon computed.
std::uint32_t count(Random& random) {
  return static_cast<std::uint32_t>(random.one_in(16) ? random.number() : random.below(40));
}

std::int64_t distance(Random& random) {
  const std::uint64_t elements = random.one_in(16) ? random.number() : 1 + random.below(60);
  return static_cast<std::int64_t>(random.one_in(16) ? 0 - elements : elements);
}

/// Types, compute types and operations mostly go together, or hardly anything would be computed.
std::int32_t choice(std::initializer_list<std::int32_t> sensible, Random& random) {
  if (random.one_in(16)) return static_cast<std::int32_t>(random.number());
  return sensible.begin()[random.below(sensible.size())];
}

std::uint32_t blas_flags(Random& random) {
  return random.one_in(4) ? random.below(8) : 0;
}

vgpu_blas_product product(const Known& known, Random& random) {
  vgpu_blas_product result{};
  const bool wide = random.one_in(3);
  const auto type = [&] {
    return choice(wide ? std::initializer_list<std::int32_t>{CUDA_R_64F}
                       : std::initializer_list<std::int32_t>{CUDA_R_32F, CUDA_R_16F, CUDA_R_16BF, CUDA_R_8I},
                  random);
  };
  const auto address = [&] { return known.any(random) & ~std::uint64_t{random.one_in(8) ? 0U : 7U}; };
  result.a = address();
  result.b = address();
  result.c = address();
  result.lda = distance(random);
  result.ldb = distance(random);
  result.ldc = distance(random);
  result.stride_a = distance(random);
  result.stride_b = distance(random);
  result.stride_c = distance(random);
  result.alpha = random.number();
  result.beta = random.number();
  result.m = count(random);
  result.n = count(random);
  result.k = count(random);
  result.batch_count = random.one_in(8) ? count(random) : 1;
  result.type_a = type();
  result.type_b = type();
  result.type_c = type();
  result.compute = choice({wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F}, random);
  result.operation_a = choice({CUBLAS_OP_N, CUBLAS_OP_T}, random);
  result.operation_b = choice({CUBLAS_OP_N, CUBLAS_OP_T}, random);
  result.flags = blas_flags(random);
  return result;
}

vgpu_blas_solve solve(const Known& known, Random& random) {
  vgpu_blas_solve result{};
  result.a = known.any(random) & ~std::uint64_t{7};
  result.b = known.any(random) & ~std::uint64_t{7};
  result.lda = distance(random);
  result.ldb = distance(random);
  result.stride_a = distance(random);
  result.stride_b = distance(random);
  result.alpha = random.number();
  result.m = count(random);
  result.n = count(random);
  result.batch_count = random.one_in(8) ? count(random) : 1;
  result.type = choice({CUDA_R_32F, CUDA_R_64F}, random);
  result.side = choice({CUBLAS_SIDE_LEFT, CUBLAS_SIDE_RIGHT}, random);
  result.fill = choice({CUBLAS_FILL_MODE_LOWER, CUBLAS_FILL_MODE_UPPER}, random);
  result.operation = choice({CUBLAS_OP_N, CUBLAS_OP_T}, random);
  result.diagonal = choice({CUBLAS_DIAG_NON_UNIT, CUBLAS_DIAG_UNIT}, random);
  result.flags = blas_flags(random);
  return result;
}

vgpu_blas_vector vector(const Known& known, Random& random) {
  vgpu_blas_vector result{};
  result.x = known.any(random) & ~std::uint64_t{7};
  result.y = random.one_in(4) ? 0 : known.any(random) & ~std::uint64_t{7};
  result.increment_x = distance(random);
  result.increment_y = distance(random);
  result.alpha = random.number();
  result.result = random.one_in(2) ? 0 : known.any(random) & ~std::uint64_t{7};
  result.operation = random.one_in(16) ? count(random) : random.below(VGPU_BLAS_IAMIN + 1);
  result.count = count(random);
  result.type = choice({CUDA_R_32F, CUDA_R_64F, CUDA_R_16F}, random);
  result.flags = blas_flags(random);
  return result;
}

vgpu_array array(Random& random) {
  vgpu_array result{};
  result.width = random.one_in(8) ? random.number() : random.below(200);
  result.height = random.one_in(8) ? random.number() : random.below(40);
  result.depth = random.one_in(3) ? random.below(10) : 0;
  result.format = choice({CU_AD_FORMAT_UNSIGNED_INT8, CU_AD_FORMAT_HALF, CU_AD_FORMAT_FLOAT}, random);
  result.channels = random.one_in(16) ? count(random) : 1U << random.below(3);
  result.flags = random.one_in(16) ? count(random) : 0;
  return result;
}

vgpu_texture texture(const Known& known, Random& random) {
  vgpu_texture result{};
  result.address = known.any(random) & ~std::uint64_t{random.one_in(8) ? 0U : 511U};
  result.width = random.one_in(8) ? random.number() : random.below(5000);
  result.height = random.one_in(8) ? random.number() : random.below(40);
  result.pitch = random.one_in(8) ? random.number() : random.below(20) * 32;
  result.array = known.any(random);
  result.resource =
      choice({CU_RESOURCE_TYPE_ARRAY, CU_RESOURCE_TYPE_LINEAR, CU_RESOURCE_TYPE_PITCH2D}, random);
  result.format = choice({CU_AD_FORMAT_UNSIGNED_INT8, CU_AD_FORMAT_HALF, CU_AD_FORMAT_FLOAT}, random);
  result.channels = random.one_in(16) ? count(random) : 1U << random.below(3);
  for (std::int32_t& mode : result.address_mode) mode = choice({0, 1, 2, 3}, random);
  result.filter_mode = choice({CU_TR_FILTER_MODE_POINT, CU_TR_FILTER_MODE_LINEAR}, random);
  result.flags = random.one_in(8) ? count(random) : random.below(4);
  return result;
}

template <typename Description>
void describe(Request& request, const Description& description) {
  request.bytes(std::as_bytes(std::span(&description, 1)));
}

/// A payload of the right shape with wild values.
Request make_payload(std::string_view shape, const Known& known, Random& random) {
  static constexpr std::string_view kNames[] = {"scale", "poke", "counter", "none"};
  Request request;
  for (const char kind : shape) {
    switch (kind) {
      case 'h':
        request.value(known.any(random));
        break;
      case 'n':
        request.value(random.one_in(2) ? random.below(5000) : random.number());
        break;
      case 'u':
        request.value(static_cast<std::uint32_t>(random.one_in(16) ? random.number() : random.below(10)));
        break;
      case 'd':
        request.value(random.one_in(8) ? known.any(random) : random.below(3));
        break;
      case 'g':
        request.value(random.one_in(8) ? random.number() : random.below(4) << 21);
        break;
      case 'z':
        request.value(random.one_in(8) ? random.number() : std::uint64_t{0});
        break;
      case 'l':
        request.value(random.one_in(50) ? random.number() : random.below(5000));
        break;
      case 's':
        request.text(kNames[random.below(std::size(kNames))]);
        break;
      case 'm':
        request.text(random.one_in(3) ? kModule.substr(random.below(kModule.size())) : kModule);
        break;
      case 'P':
        describe(request, product(known, random));
        break;
      case 'S':
        describe(request, solve(known, random));
        break;
      case 'A':
        describe(request, array(random));
        break;
      case 'T':
        describe(request, texture(known, random));
        break;
      case 'D':
        request.value(random.one_in(4) ? random.number() : sizeof(vgpu_texture));
        break;
      case 'V':
        describe(request, vector(known, random));
        break;
      default:
        // Now and then long enough for a stream.
        request.bytes(
            std::vector<std::byte>(random.one_in(200) ? 65'000 + random.below(5000) : random.below(5000),
                                   std::byte(random.below(256))));
    }
  }
  return request;
}

}  // namespace

void append_frame(std::vector<std::byte>& stream, const Known& known, std::uint64_t context, Random& random) {
  const auto call =
      static_cast<std::uint32_t>(random.one_in(30) ? random.number() : random.below(VGPU_CALL_COUNT + 1));
  // Sometimes the shape is another call's.
  const auto shape =
      shape_of(random.one_in(20) ? static_cast<std::uint32_t>(random.below(VGPU_CALL_COUNT)) : call);
  const Request request = make_payload(shape, known, random);
  const bool deferred = may_be_deferred(call) && random.one_in(2);
  const vgpu_frame header{.payload_bytes = static_cast<std::uint32_t>(request.payload().size()),
                          .call = call,
                          .sequence = static_cast<std::uint32_t>(random.number()),
                          .status = deferred ? VGPU_FRAME_DEFERRED : 0,
                          .context = random.one_in(10) ? known.any(random) : context};
  const std::size_t begin = stream.size();
  const auto bytes = std::as_bytes(std::span(&header, 1));
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  stream.insert(stream.end(), request.payload().begin(), request.payload().end());
  // Now and then any bytes of it change; of the header more rarely, since that mostly ends the connection.
  if (!random.one_in(10)) return;
  const std::size_t first = begin + (random.one_in(10) ? 0 : sizeof(header));
  if (first == stream.size()) return;
  for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips) {
    stream[first + random.below(stream.size() - first)] = std::byte(random.below(256));
  }
}

}  // namespace vgpu::executor::test
