// A copy to the device whose bytes are still arriving.
#pragma once

#include "executor_backend.h"
#include "worker/frame_reader.h"
#include "worker/payload.h"

namespace vgpu::executor {

/// Carries out vgpuCopyToDevice piece by piece. `head` is what the frame says before the bytes, which
/// `frames` has. The first error ends it; throws what the backend throws.
CUresult copy_stream(BackendCalls& backend, std::uint64_t context, PayloadReader& head, FrameReader& frames);

}  // namespace vgpu::executor
