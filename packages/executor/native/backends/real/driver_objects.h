// The driver's objects of one client, and the numbers that the client has for them. A number that is stale,
// foreign or made up never reaches the driver.
#pragma once

#include <unordered_map>
#include <vector>

#include "backends/handle_table.h"

namespace vgpu::executor {

/// Objects of one of the driver's types; `Object` is the driver's own handle.
template <typename Object>
class ObjectTable {
 public:
  /// `unknown` is what CUDA's documentation has for a handle of this type that is none.
  ObjectTable(unsigned kind, const char* name, CUresult unknown = CUDA_ERROR_INVALID_HANDLE)
      : unknown_(unknown), entries_(kind, name) {}

  /// The client's number for an object that the driver returned: the one it has already, or a new one.
  /// `owner` is the number of what the object goes with; 0 for nothing.
  Handle adopt(Object object, Handle owner) {
    if (const auto known = numbers_.find(object); known != numbers_.end()) return known->second;
    const Handle number = entries_.insert(Entry{object, owner});
    numbers_.emplace(object, number);
    return number;
  }

  /// Throws CallError.
  Object at(Handle number) {
    if (const Entry* entry = entries_.find(number)) return entry->object;
    throw CallError(unknown_, entries_.describe(number));
  }
  [[nodiscard]] bool has(Handle number) { return entries_.find(number) != nullptr; }
  [[nodiscard]] bool was_issued(Handle number) const { return entries_.was_issued(number); }
  /// What is wrong with a number that has() does not know.
  [[nodiscard]] std::string describe(Handle number) const { return entries_.describe(number); }

  /// The driver has another object in place of this one.
  void replace(Handle number, Object object) {
    Entry& entry = entries_.at(number);
    numbers_.erase(entry.object);
    entry.object = object;
    numbers_.emplace(object, number);
  }

  void erase(Handle number) {
    if (const Entry* entry = entries_.find(number)) numbers_.erase(entry->object);
    entries_.erase(number);
  }

  [[nodiscard]] std::vector<Handle> owned_by(Handle owner) {
    std::vector<Handle> found;
    for (const auto& [number, entry] : entries_) {
      if (entry.owner == owner) found.push_back(number);
    }
    return found;
  }

 private:
  struct Entry {
    Object object;
    Handle owner;
  };
  CUresult unknown_;
  HandleTable<Entry> entries_;
  std::unordered_map<Object, Handle> numbers_;
};

struct DriverObjects {
  ObjectTable<CUcontext> contexts{1, "context"};
  ObjectTable<CUmodule> modules{2, "module"};
  ObjectTable<CUfunction> functions{3, "function"};
  ObjectTable<CUstream> streams{4, "stream"};
  ObjectTable<CUevent> events{5, "event"};
  ObjectTable<CUmemoryPool> pools{6, "memory pool", CUDA_ERROR_INVALID_VALUE};

  /// Forgets what went with `owner`; the driver has destroyed it already, or is about to.
  void release_owned_by(Handle owner) {
    const auto forget = [owner](auto& table) {
      for (const Handle number : table.owned_by(owner)) table.erase(number);
    };
    for (const Handle module : modules.owned_by(owner)) release(modules, module);
    forget(functions);
    forget(streams);
    forget(events);
  }

  template <typename Table>
  void release(Table& table, Handle number) {
    table.erase(number);
    release_owned_by(number);
  }
};

}  // namespace vgpu::executor
