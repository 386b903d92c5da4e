#include "clients/status_report.h"

#include <unistd.h>

#include <cstdio>

namespace vgpu::executor {
namespace {

/// The length of the well-formed UTF-8 sequence that `text` begins with (Unicode 15, table 3-7), 0 for none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t index) {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
  };
  const auto continues = [&](std::size_t index) { return (byte(index) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return !overlong && !surrogate && continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool too_large = first == 0xf4 && byte(1) > 0x8f;
    return !overlong && !too_large && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/// One object, its members in the order in which they are added.
class Object {
 public:
  Object& add(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Object& add(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
  Object& raw(std::string_view name, std::string_view json) {
    text_ += (text_.empty() ? "" : ",") + json_string(name) + ":";
    text_ += json;
    return *this;
  }
  [[nodiscard]] std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string describe_client(const ClientRecord& record) {
  Object client;
  client.add("program", record.program.get());
  client.add("processId", std::uint64_t{record.process_id.load()});
  if (record.local.load()) {
    client.add("userId", std::uint64_t{record.user_id.load()});
  } else {
    client.add("address", record.address.get());
  }
  client.add("workerProcessId", static_cast<std::uint64_t>(record.worker.load()));
  client.add("connectedAt", record.connected_at.load());
  client.add("memoryBytes", record.memory_bytes.load());
  client.add("calls", record.calls.load(std::memory_order_relaxed));
  client.add("kernels", record.kernels.load(std::memory_order_relaxed));
  client.add("busyMilliseconds", record.busy.total(monotonic_nanoseconds()) / 1'000'000);
  return client.text();
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      result += '?';
    } else if (first < 0x20 || first == '"' || first == '\\') {
      char escaped[8];
      snprintf(escaped, sizeof(escaped), "\\u%04x", first);
      result += escaped;
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result + '"';
}

std::string status_report(const ClientTable& table, std::string_view backend) {
  std::string clients;
  for (const auto& record : table.records()) {
    if (record.welcome.load()) clients += (clients.empty() ? "" : ",") + describe_client(record);
  }
  const TableLimits& limits = table.limits();
  const ClientTotals totals = table.totals();
  const std::uint64_t client_limit =
      limits.client_memory_bytes == 0 ? limits.memory_bytes : limits.client_memory_bytes;
  return Object()
      .add("processId", static_cast<std::uint64_t>(getppid()))
      .add("backend", backend)
      .add("startedAt", table.started_at())
      .add("maximumClients", std::uint64_t{limits.places})
      .add("memoryBytes", limits.memory_bytes)
      .add("memoryInUseBytes", table.memory_in_use())
      .add("clientMemoryBytes", client_limit)
      .raw("totals", Object()
                         .add("clients", totals.clients)
                         .add("calls", totals.calls)
                         .add("kernels", totals.kernels)
                         .text())
      .raw("clients", "[" + clients + "]")
      .text();
}

}  // namespace vgpu::executor
