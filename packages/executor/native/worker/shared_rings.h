// The memory that a worker shares with its client.
#pragma once

#include "shared_ring.h"
#include "support/file_descriptor.h"

namespace vgpu::executor {

/// Made by the worker, because a client that could shorten the file could crash whoever reads it.
class SharedRings {
 public:
  /// Throws std::system_error.
  SharedRings();
  ~SharedRings();
  SharedRings(const SharedRings&) = delete;
  SharedRings& operator=(const SharedRings&) = delete;

  /// What the client maps.
  [[nodiscard]] int descriptor() const { return file_.get(); }
  [[nodiscard]] vgpu_shared_rings& rings() const { return *rings_; }

 private:
  FileDescriptor file_;
  vgpu_shared_rings* rings_;
};

}  // namespace vgpu::executor
