// One driver, its first device, and the thread that makes all calls to it: whatever the driver does, neither
// JavaScript nor the file system's threads wait for it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gpu/driver.h"
#include "gpu/images.h"
#include "gpu/xid_events.h"

namespace vgpu::gpu {

/** A stream and page-locked memory beside it, so that the next piece can be prepared while this one is on its
 * way. */
struct Lane {
  StreamHandle stream = nullptr;
  std::byte* staging = nullptr;
};

/** What one lane can carry: two inputs and an output of a piece each. */
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
constexpr std::size_t kStagingPieces = 3;

struct Grid {
  unsigned blocks = 1;
  unsigned rows = 1;
  unsigned layers = 1;
  unsigned threads = 256;
};

/** Lives as long as the process: a driver that hangs or crashes cannot be left in an orderly way. */
class Device {
 public:
  /** Of this library; the same for everybody who names it. Loads nothing yet. */
  static Device& of(const std::string& library);

  /** On the device's thread, after everything that was posted before. */
  void post(std::function<void()> work);

  // All that follows: on the device's thread only.

  /** Loads the driver and opens its first device, unless that has been done.
   * @throws DriverError */
  void open();
  /** Whether the device still answers.
   * @throws DriverError */
  void ping() const;
  /** Forgets everything that was on the device, and opens it anew.
   * @throws DriverError */
  void reopen();
  /** Changes with each reopening: what was taken before is gone. */
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /** Looks whether there are new ones: after a failure. */
  void collectXids();
  /** All that have been collected. */
  [[nodiscard]] const std::vector<unsigned>& xids() const { return xids_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Driver& driver() const { return *driver_; }
  [[nodiscard]] const Lane& lane(std::size_t index) const { return lanes_[index % lanes_.size()]; }
  static constexpr std::size_t lanes = 2;

  /** Each argument as the kernel declares it. Returns once it is queued.
   * @throws DriverError */
  template <typename... Arguments>
  void launch(Family family, const std::string& kernel, const Grid& grid, StreamHandle stream,
              Arguments... arguments) {
    std::array<void*, sizeof...(Arguments)> pointers{static_cast<void*>(&arguments)...};
    launchWith(family, kernel, grid, stream, pointers.data());
  }
  void synchronize(StreamHandle stream) const;

 private:
  explicit Device(std::string library) : library_(std::move(library)) {}
  void work();
  void connect();
  void openLanes();
  void launchWith(Family family, const std::string& kernel, const Grid& grid, StreamHandle stream,
                  void** arguments);
  FunctionHandle function(Family family, const std::string& kernel);

  const std::string library_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> queue_;
  bool started_ = false;

  std::unique_ptr<Driver> driver_;
  bool isOpen_ = false;
  /** The device's primary context. */
  bool retained_ = false;
  std::uint64_t generation_ = 0;
  std::string name_;
  std::optional<XidEvents> xidEvents_;
  std::vector<unsigned> xids_;
  std::array<Lane, lanes> lanes_;
  std::array<ModuleHandle, families> modules_{};
  std::map<std::string, FunctionHandle> functions_;
};

}  // namespace vgpu::gpu
