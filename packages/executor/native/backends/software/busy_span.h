// While it exists a kernel of the client runs.
#pragma once

#include "clients/client_account.h"

namespace vgpu::executor {

class BusySpan {
 public:
  explicit BusySpan(const ClientAccount& account) : busy_(account.busy_time()) {
    if (busy_ != nullptr) busy_->begin(monotonic_nanoseconds());
  }
  ~BusySpan() {
    if (busy_ != nullptr) busy_->end(monotonic_nanoseconds());
  }
  BusySpan(const BusySpan&) = delete;
  BusySpan& operator=(const BusySpan&) = delete;

 private:
  BusyTime* busy_;
};

}  // namespace vgpu::executor
