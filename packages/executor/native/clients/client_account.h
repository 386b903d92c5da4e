// A worker's view of the clients' table: its own client's record, and what all have in common.
#pragma once

#include <cstdint>
#include <limits>

#include "clients/client_table.h"
#include "clients/peer.h"

namespace vgpu::executor {

class ClientAccount {
 public:
  /// Of nobody: nothing is limited and nothing counted.
  ClientAccount() = default;
  /// Both outlive this.
  ClientAccount(ClientTable& table, ClientRecord& record) : table_(&table), record_(&record) {}

  /// Takes a place and says who is there. False when all places are taken.
  bool enter(const Peer& peer, std::string_view program);
  /// Gives the place back, for somebody else.
  void leave();

  void count_call(bool is_kernel) {
    if (record_ == nullptr) return;
    // Nobody else writes here, so nothing has to be locked.
    record_->calls.store(record_->calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (is_kernel) record_->kernels.fetch_add(1, std::memory_order_relaxed);
  }

  /// Null where nobody counts.
  [[nodiscard]] BusyTime* busy_time() const { return record_ == nullptr ? nullptr : &record_->busy; }

  /// Asks for memory before it is taken: `bytes_in_use` is all that this client will then have. False when
  /// the clients together would have more than there is. Two that compete for the last bytes may both be
  /// refused.
  bool claim_memory(std::uint64_t bytes_in_use);
  /// What this client has now.
  void settle_memory(std::uint64_t bytes_in_use) {
    if (record_ != nullptr) record_->memory_bytes.store(bytes_in_use);
  }
  /// What all clients together may still take.
  [[nodiscard]] std::uint64_t free_memory() const;

  /// For everybody who uses the device.
  void tell_xid(std::uint32_t xid) {
    if (table_ != nullptr) table_->xids().write(xid);
  }

  [[nodiscard]] const ClientTable* table() const { return table_; }

 private:
  ClientTable* table_ = nullptr;
  ClientRecord* record_ = nullptr;
};

}  // namespace vgpu::executor
