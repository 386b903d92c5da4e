#include "gpu/device.h"

#include <thread>

namespace vgpu::gpu {

Device& Device::of(const std::string& library) {
  // Never destroyed: threads may still be in a driver when the process ends.
  static auto* const mutex = new std::mutex;
  static auto* const devices = new std::map<std::string, std::unique_ptr<Device>>;
  const std::lock_guard lock(*mutex);
  auto& device = (*devices)[library];
  if (!device) device.reset(new Device(library));
  return *device;
}

void Device::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (!started_) {
    std::thread([this] { this->work(); }).detach();
    started_ = true;
  }
  queue_.push_back(std::move(work));
  posted_.notify_one();
}

void Device::work() {
  for (;;) {
    std::function<void()> next;
    {
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return !queue_.empty(); });
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

void Device::open() {
  if (isOpen_) return;
  if (!driver_) driver_ = std::make_unique<Driver>(library_);
  connect();
  isOpen_ = true;
}

void Device::reopen() {
  isOpen_ = false;
  ++generation_;
  modules_ = {};
  functions_.clear();
  // The staging memory is the host's, and stays.
  for (Lane& lane : lanes_) lane.stream = nullptr;
  // Whether that has helped, opening tells.
  if (driver_) static_cast<void>(driver_->cuDevicePrimaryCtxReset_v2(0));
  // Resetting releases nothing.
  if (retained_) static_cast<void>(driver_->cuDevicePrimaryCtxRelease_v2(0));
  retained_ = false;
  open();
}

void Device::collectXids() {
  if (!xidEvents_) return;
  const std::vector<unsigned> news = xidEvents_->take();
  xids_.insert(xids_.end(), news.begin(), news.end());
}

void Device::ping() const {
  std::size_t free = 0;
  std::size_t total = 0;
  driver_->check(driver_->cuMemGetInfo_v2(&free, &total), "cuMemGetInfo");
}

void Device::connect() {
  const Driver& driver = *driver_;
  driver.check(driver.cuInit(0), "cuInit");
  int device = 0;
  driver.check(driver.cuDeviceGet(&device, 0), "cuDeviceGet");
  // Before anything that may fail because of one.
  if (!xidEvents_) xidEvents_.emplace(library_, device);
  std::array<char, 256> name{};
  driver.check(driver.cuDeviceGetName(name.data(), static_cast<int>(name.size()) - 1, device),
               "cuDeviceGetName");
  name_ = name.data();
  ContextHandle context = nullptr;
  driver.check(driver.cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
  retained_ = true;
  try {
    driver.check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    openLanes();
  } catch (...) {
    static_cast<void>(driver.cuDevicePrimaryCtxRelease_v2(device));
    retained_ = false;
    throw;
  }
}

/** All of them or none. */
void Device::openLanes() {
  const Driver& driver = *driver_;
  std::array<Lane, lanes> opened = lanes_;
  try {
    for (Lane& lane : opened) {
      // Not waiting for the default stream: nobody uses that one.
      constexpr unsigned kNonBlocking = 1;
      driver.check(driver.cuStreamCreate(&lane.stream, kNonBlocking), "cuStreamCreate");
      if (lane.staging != nullptr) continue;
      void* staging = nullptr;
      driver.check(driver.cuMemAllocHost_v2(&staging, kStagingPieces * kPieceBytes), "cuMemAllocHost");
      lane.staging = static_cast<std::byte*>(staging);
    }
  } catch (...) {
    // What cannot be given back, the driver has lost itself.
    for (std::size_t i = 0; i < lanes; ++i) {
      if (opened[i].stream != nullptr) static_cast<void>(driver.cuStreamDestroy_v2(opened[i].stream));
      if (opened[i].staging != lanes_[i].staging) static_cast<void>(driver.cuMemFreeHost(opened[i].staging));
    }
    throw;
  }
  lanes_ = opened;
}

void Device::synchronize(StreamHandle stream) const {
  driver_->check(driver_->cuStreamSynchronize(stream), "cuStreamSynchronize");
}

FunctionHandle Device::function(Family family, const std::string& kernel) {
  const auto found = functions_.find(kernel);
  if (found != functions_.end()) return found->second;
  ModuleHandle& module = modules_.at(static_cast<std::size_t>(family));
  if (module == nullptr)
    driver_->check(driver_->cuModuleLoadData(&module, imageOf(family)), "cuModuleLoadData");
  FunctionHandle function = nullptr;
  driver_->check(driver_->cuModuleGetFunction(&function, module, kernel.c_str()), "cuModuleGetFunction");
  functions_.emplace(kernel, function);
  return function;
}

void Device::launchWith(Family family, const std::string& kernel, const Grid& grid, StreamHandle stream,
                        void** arguments) {
  const FunctionHandle handle = function(family, kernel);
  const Result result = driver_->cuLaunchKernel(handle, grid.blocks, grid.rows, grid.layers, grid.threads, 1,
                                                1, 0, stream, arguments, nullptr);
  if (result != 0) driver_->fail(result, "cuLaunchKernel of " + kernel);
}

}  // namespace vgpu::gpu
