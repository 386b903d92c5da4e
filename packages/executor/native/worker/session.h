// One client's requests: dispatch, deferred errors, errors that end the context. Knows nothing of sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>

#include "backends/backend.h"
#include "support/log.h"
#include "vgpu_protocol.h"
#include "worker/fault_injection.h"
#include "worker/frame_reader.h"
#include "worker/payload.h"

namespace vgpu::executor {

/// Asks the backend; whatever it has against the context or the function, it says when it is launched.
FaultInjector::KernelName kernel_name_of(Backend& backend);

class Session {
 public:
  enum class Reply {
    send,   // response_header() and response_payload()
    none,   // the request was deferred
    close,  // the client broke the rules of the protocol; the log says how
  };

  /// `faults` outlive it.
  Session(Backend& backend, Log& log, ClientAccount account = {}, std::span<const FaultRule> faults = {})
      : backend_(backend), log_(log), account_(account), faults_(faults, kernel_name_of(backend)) {}

  /// `stream` has the rest of the payload where that is still arriving.
  Reply handle(const vgpu_frame& request, std::span<const std::byte> payload, FrameReader* stream = nullptr);

  /// From another thread: `release` is called between two requests and may destroy the backend; every later
  /// request is answered with CUDA_ERROR_MPS_CLIENT_TERMINATED. False when a request does not end within
  /// `patience`.
  bool end(std::chrono::milliseconds patience, const std::function<void()>& release);

  [[nodiscard]] const vgpu_frame& response_header() const { return response_header_; }
  [[nodiscard]] std::span<const std::byte> response_payload() const { return response_payload_; }
  /// What goes with the response, -1 for nothing; valid until the next request.
  [[nodiscard]] int response_descriptor() const { return response_descriptor_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

 private:
  std::timed_mutex handling_;
  bool ended_ = false;
  CUresult run(const vgpu_frame& request, std::span<const std::byte> payload, FrameReader* stream);
  bool obeys_protocol(const vgpu_frame& request);

  Backend& backend_;
  Log& log_;
  ClientAccount account_;
  FaultInjector faults_;
  PayloadWriter response_;
  vgpu_frame response_header_{};
  std::span<const std::byte> response_payload_;
  int response_descriptor_ = -1;
  /// The first error of a deferred request that nobody has been told about.
  CUresult deferred_error_ = CUDA_SUCCESS;
  /// After an error of this kind the context is dead, and every call says so.
  CUresult sticky_error_ = CUDA_SUCCESS;
  std::uint64_t requests_ = 0;
};

/// Whether a context is dead after this error, so that the program would have to be started again.
bool is_sticky(CUresult result);

}  // namespace vgpu::executor
