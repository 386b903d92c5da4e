#include "clients/client_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>

namespace vgpu::executor {

// A lock inside an atomic would be one per process.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<char>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

/// Of the clients that have left; written by the daemon alone.
struct alignas(64) ClientTable::Gone {
  std::atomic<std::uint64_t> clients{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> kernels{0};
};

std::uint64_t wall_clock_milliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

ClientTable::ClientTable(const TableLimits& limits)
    : limits_(limits), started_at_(wall_clock_milliseconds()) {
  using Place = std::atomic<std::size_t>;
  static_assert(alignof(Gone) == alignof(ClientRecord) && alignof(Place) <= alignof(XidLog));
  const std::size_t records = limits.places + limits.others;
  mapped_bytes_ =
      sizeof(Gone) + records * sizeof(ClientRecord) + sizeof(XidLog) + limits.places * sizeof(Place);
  void* memory = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::byte*>(memory);
  gone_ = new (mapping_) Gone;
  auto* first_record = reinterpret_cast<ClientRecord*>(mapping_ + sizeof(Gone));
  std::uninitialized_default_construct_n(first_record, records);
  records_ = {first_record, records};
  xids_ = new (first_record + records) XidLog;
  auto* first_place = reinterpret_cast<Place*>(xids_ + 1);
  std::uninitialized_value_construct_n(first_place, limits.places);
  places_ = {first_place, limits.places};
}

ClientTable::~ClientTable() {
  if (munmap(mapping_, mapped_bytes_) != 0) std::perror("vgpu: munmap of the clients' table");
}

ClientRecord* ClientTable::add() {
  const auto free = std::ranges::find_if(records_, [](const auto& record) { return !record.used.load(); });
  if (free == records_.end()) return nullptr;
  free->used.store(true);
  return &*free;
}

void ClientTable::remove(ClientRecord& record) {
  if (record.welcome.exchange(false)) gone_->clients.fetch_add(1);
  gone_->calls.fetch_add(record.calls.exchange(0));
  gone_->kernels.fetch_add(record.kernels.exchange(0));
  record.memory_bytes.store(0);
  record.busy.clear();
  record.worker.store(0);
  give_place_back(record);
  record.used.store(false);
}

bool ClientTable::take_place(const ClientRecord& record) {
  const auto holder = static_cast<std::size_t>(&record - records_.data()) + 1;
  return std::ranges::any_of(places_, [holder](auto& place) {
    std::size_t nobody = 0;
    return place.compare_exchange_strong(nobody, holder);
  });
}

void ClientTable::give_place_back(const ClientRecord& record) {
  const auto holder = static_cast<std::size_t>(&record - records_.data()) + 1;
  for (auto& place : places_) {
    std::size_t expected = holder;
    place.compare_exchange_strong(expected, 0);
  }
}

bool ClientTable::has_place(const ClientRecord& record) const {
  const auto holder = static_cast<std::size_t>(&record - records_.data()) + 1;
  return std::ranges::any_of(places_, [holder](const auto& place) { return place.load() == holder; });
}

std::uint64_t ClientTable::memory_in_use() const {
  std::uint64_t sum = 0;
  for (const auto& record : records_) sum += record.memory_bytes.load();
  return sum;
}

unsigned ClientTable::utilization() const {
  const std::uint64_t now = monotonic_nanoseconds();
  std::uint64_t sum = 0;
  for (const auto& record : records_) sum += record.busy.in_last_second(now);
  return percent_of_second(sum);
}

ClientTotals ClientTable::totals() const {
  ClientTotals totals{gone_->clients.load(), gone_->calls.load(), gone_->kernels.load()};
  for (const auto& record : records_) {
    if (record.welcome.load()) ++totals.clients;
    totals.calls += record.calls.load(std::memory_order_relaxed);
    totals.kernels += record.kernels.load(std::memory_order_relaxed);
  }
  return totals;
}

}  // namespace vgpu::executor
