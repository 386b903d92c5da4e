// Streams and events. A call's work is done when the call returns, so nothing is ever pending: waiting ends
// at once, and an event's time is the time at which its record call arrived behind all earlier work.
#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

// The handles of CU_STREAM_LEGACY and CU_STREAM_PER_THREAD; 0 means the first.
constexpr Handle kLastDefaultStream = 2;

constexpr std::uint32_t kWaitExternal = 1;

}  // namespace

Stream SoftwareBackend::resolve_stream(Handle current, Handle stream) {
  require_context(current);
  return stream <= kLastDefaultStream ? Stream{.context = current} : streams_.at(stream);
}

CUresult SoftwareBackend::cuStreamCreate(Handle current, Handle& stream, std::uint32_t flags) {
  return cuStreamCreateWithPriority(current, stream, flags, 0);
}

CUresult SoftwareBackend::cuStreamCreateWithPriority(Handle current, Handle& stream, std::uint32_t flags,
                                                     std::int32_t /*priority*/) {
  require_context(current);
  if (flags != CU_STREAM_DEFAULT && flags != CU_STREAM_NON_BLOCKING) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "stream flags " + std::to_string(flags));
  }
  // A priority outside the device's range is clamped into it, and this device's range is 0 to 0.
  stream = streams_.insert(Stream{.context = current, .flags = flags});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamGetPriority(Handle current, Handle stream, std::int32_t& priority) {
  require_stream(current, stream);
  priority = 0;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamGetFlags(Handle current, Handle stream, std::uint32_t& flags) {
  flags = resolve_stream(current, stream).flags;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamGetCtx(Handle current, Handle stream, Handle& context) {
  context = resolve_stream(current, stream).context;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamGetId(Handle current, Handle stream, std::uint64_t& id) {
  require_stream(current, stream);
  // Every context has default streams of its own. Handles leave room between their numbers for these two.
  const bool per_thread = stream == kLastDefaultStream;
  id = stream > kLastDefaultStream ? stream : current << 1 | (per_thread ? 1 : 0);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuStreamWaitEvent(Handle current, Handle stream, Handle event,
                                              std::uint32_t flags) {
  require_stream(current, stream);
  static_cast<void>(events_.at(event));
  if ((flags & ~kWaitExternal) != 0) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "wait flags " + std::to_string(flags));
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamQuery(Handle current, Handle stream) {
  require_stream(current, stream);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamSynchronize(Handle current, Handle stream) {
  require_stream(current, stream);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuStreamDestroy_v2(Handle current, Handle stream) {
  require_context(current);
  // Not resolved: the default streams cannot be destroyed.
  static_cast<void>(streams_.at(stream));
  streams_.erase(stream);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuEventCreate(Handle current, Handle& event, std::uint32_t flags) {
  require_context(current);
  constexpr std::uint32_t kKnown = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
  const bool interprocess = (flags & CU_EVENT_INTERPROCESS) != 0;
  const bool timed = (flags & CU_EVENT_DISABLE_TIMING) == 0;
  if ((flags & ~kKnown) != 0 || (interprocess && timed)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "event flags " + std::to_string(flags));
  }
  if (interprocess) throw CallError(CUDA_ERROR_NOT_SUPPORTED, "events cannot be shared between processes");
  event = events_.insert(Event{current, flags, std::nullopt});
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuEventRecord(Handle current, Handle event, Handle stream) {
  const Stream queue = resolve_stream(current, stream);
  Event& object = events_.at(event);
  if (object.context != queue.context) {
    throw CallError(CUDA_ERROR_INVALID_HANDLE, "event and stream belong to different contexts");
  }
  object.recorded = std::chrono::steady_clock::now();
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuEventQuery(Handle current, Handle event) {
  require_context(current);
  static_cast<void>(events_.at(event));
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuEventSynchronize(Handle current, Handle event) {
  return cuEventQuery(current, event);
}

CUresult SoftwareBackend::cuEventDestroy_v2(Handle current, Handle event) {
  require_context(current);
  static_cast<void>(events_.at(event));
  events_.erase(event);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuEventElapsedTime(Handle current, float& milliseconds, Handle start, Handle end) {
  require_context(current);
  const Event& first = events_.at(start);
  const Event& second = events_.at(end);
  if (first.context != second.context) {
    throw CallError(CUDA_ERROR_INVALID_HANDLE, "the events belong to different contexts");
  }
  if (((first.flags | second.flags) & CU_EVENT_DISABLE_TIMING) != 0) {
    throw CallError(CUDA_ERROR_INVALID_HANDLE, "an event that was created without timing");
  }
  if (!first.recorded || !second.recorded) {
    throw CallError(CUDA_ERROR_INVALID_HANDLE, "an event that has not been recorded");
  }
  milliseconds = std::chrono::duration<float, std::milli>(*second.recorded - *first.recorded).count();
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
