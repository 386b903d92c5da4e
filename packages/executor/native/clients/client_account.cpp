#include "clients/client_account.h"

#include <unistd.h>

namespace vgpu::executor {

bool ClientAccount::enter(const Peer& peer, std::string_view program) {
  if (record_ == nullptr) return true;
  if (!table_->take_place(*record_)) return false;
  record_->worker.store(getpid());
  record_->process_id.store(peer.process_id);
  record_->user_id.store(peer.user_id);
  record_->local.store(peer.local);
  record_->address.set(peer.address);
  record_->program.set(program);
  record_->connected_at.store(wall_clock_milliseconds());
  record_->welcome.store(true);
  return true;
}

void ClientAccount::leave() {
  if (record_ != nullptr) table_->give_place_back(*record_);
}

bool ClientAccount::claim_memory(std::uint64_t bytes_in_use) {
  if (record_ == nullptr || table_->limits().memory_bytes == 0) return true;
  // First our own figure, then the sum: of several that do this at once the last one sees all the others, so
  // together they never get too much.
  const std::uint64_t before = record_->memory_bytes.exchange(bytes_in_use);
  if (table_->memory_in_use() <= table_->limits().memory_bytes) return true;
  record_->memory_bytes.store(before);
  return false;
}

std::uint64_t ClientAccount::free_memory() const {
  if (table_ == nullptr || table_->limits().memory_bytes == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const std::uint64_t used = table_->memory_in_use();
  return used < table_->limits().memory_bytes ? table_->limits().memory_bytes - used : 0;
}

}  // namespace vgpu::executor
