// What the daemon and its workers know of every client, in memory that they share.
//
// The daemon makes the table before it starts any worker, so that each worker has it at the same address.
// There is no lock, which a worker killed inside could leave locked: a record is written by its worker alone,
// and cleared by the daemon once that worker is gone, whatever it was doing.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "clients/busy_time.h"
#include "clients/shared_text.h"
#include "clients/xid_log.h"

namespace vgpu::executor {

/// One worker and its client.
struct alignas(64) ClientRecord {  // a cache line of its own, since its worker writes with each call
  std::atomic<bool> used{false};
  std::atomic<bool> welcome{false};  // the fields below say who it is
  std::atomic<pid_t> worker{0};
  std::atomic<std::uint32_t> process_id{0};
  std::atomic<std::uint32_t> user_id{0};
  std::atomic<bool> local{false};  // user_id is known; otherwise `address` is
  SharedText<64> address;
  SharedText<64> program;
  std::atomic<std::uint64_t> connected_at{0};  // milliseconds since 1970
  std::atomic<std::uint64_t> memory_bytes{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> kernels{0};
  BusyTime busy;  // where the backend knows when a kernel ends
};

/// Counts over all clients, also those that have left.
struct ClientTotals {
  std::uint64_t clients = 0;
  std::uint64_t calls = 0;
  std::uint64_t kernels = 0;
};

struct TableLimits {
  std::size_t places = 0;                 // clients that are served at a time
  std::size_t others = 0;                 // workers beside those: in the handshake, answering, refusing
  std::uint64_t memory_bytes = 0;         // of all clients together; 0: no limit
  std::uint64_t client_memory_bytes = 0;  // of each; 0: no limit but the one above
};

class ClientTable {
 public:
  /// Throws std::bad_alloc when the memory cannot be had.
  explicit ClientTable(const TableLimits& limits);
  ~ClientTable();
  ClientTable(const ClientTable&) = delete;
  ClientTable& operator=(const ClientTable&) = delete;

  [[nodiscard]] const TableLimits& limits() const { return limits_; }
  [[nodiscard]] std::uint64_t started_at() const { return started_at_; }

  /// For the daemon: a record for a worker that is about to start; null when all are in use.
  ClientRecord* add();
  /// For the daemon: the worker is gone, and with it everything that it held.
  void remove(ClientRecord& record);

  /// For a worker. False when all places are taken.
  bool take_place(const ClientRecord& record);
  void give_place_back(const ClientRecord& record);
  [[nodiscard]] bool has_place(const ClientRecord& record) const;

  /// Of all clients together.
  [[nodiscard]] std::uint64_t memory_in_use() const;
  [[nodiscard]] ClientTotals totals() const;
  /// Of the last second, in percent: the clients' kernels together, those of who has left apart.
  [[nodiscard]] unsigned utilization() const;
  [[nodiscard]] XidLog& xids() { return *xids_; }
  [[nodiscard]] const XidLog& xids() const { return *xids_; }
  [[nodiscard]] std::span<const ClientRecord> records() const { return records_; }

 private:
  struct Gone;

  TableLimits limits_;
  std::uint64_t started_at_;
  std::size_t mapped_bytes_ = 0;
  std::byte* mapping_ = nullptr;
  Gone* gone_ = nullptr;
  XidLog* xids_ = nullptr;
  std::span<ClientRecord> records_;
  std::span<std::atomic<std::size_t>> places_;  // the holder's record, counted from 1; 0: free
};

/// Milliseconds since 1970, for people and for other programs; it may jump.
std::uint64_t wall_clock_milliseconds();

}  // namespace vgpu::executor
