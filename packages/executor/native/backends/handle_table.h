// The numbers that a client holds for objects of this process.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "backends/errors.h"

namespace vgpu::executor {

using Handle = std::uint64_t;

/// Handles of one kind of object. A number is never given out twice and tells its kind, so that a handle that
/// is freed, of another kind or made up is recognised as such.
template <typename Object>
class HandleTable {
 public:
  /// `kind` is 1 to 15 and differs between the tables of a backend; `name` is for messages.
  HandleTable(unsigned kind, const char* name) : kind_(kind), name_(name) {}

  Handle insert(Object object) {
    const Handle handle = (next_++ << kKindBits) | kind_;
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  [[nodiscard]] Object* find(Handle handle) {
    const auto entry = objects_.find(handle);
    return entry == objects_.end() ? nullptr : &entry->second;
  }

  /// Throws CallError with CUDA_ERROR_INVALID_HANDLE.
  Object& at(Handle handle) {
    if (Object* object = find(handle)) return *object;
    throw CallError(CUDA_ERROR_INVALID_HANDLE, describe(handle));
  }

  void erase(Handle handle) { objects_.erase(handle); }

  template <typename Predicate>
  void erase_if(Predicate predicate) {
    std::erase_if(objects_, [&](const auto& entry) { return predicate(entry.second); });
  }

  [[nodiscard]] bool was_issued(Handle handle) const {
    return (handle & kKindMask) == kind_ && handle >> kKindBits >= kFirst && handle >> kKindBits < next_;
  }

  /// What is wrong with a handle that find() does not know.
  [[nodiscard]] std::string describe(Handle handle) const {
    const std::string subject = std::string(name_) + " " + std::to_string(handle);
    return was_issued(handle) ? subject + " has been destroyed" : subject + " does not exist";
  }

  [[nodiscard]] auto begin() { return objects_.begin(); }
  [[nodiscard]] auto end() { return objects_.end(); }

 private:
  static constexpr unsigned kKindBits = 4;
  static constexpr Handle kKindMask = (1U << kKindBits) - 1;
  // Small numbers mean the default streams, and look like mistakes in a debugger.
  static constexpr Handle kFirst = 0x1000;

  unsigned kind_;
  const char* name_;
  Handle next_ = kFirst;
  std::unordered_map<Handle, Object> objects_;
};

}  // namespace vgpu::executor
