#include "clients/client_table.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "clients/client_account.h"
#include "clients/status_report.h"

using namespace vgpu::executor;

namespace {

TableLimits limits(std::size_t places, std::uint64_t memory_bytes = 0) {
  return {.places = places, .others = 2, .memory_bytes = memory_bytes, .client_memory_bytes = 0};
}

/// Runs `code` in a process that is killed where it stands, or ends by itself.
void in_another_process(const std::function<void()>& code) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    code();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("there are as many records as places and others") {
  ClientTable table(limits(1));
  std::vector<ClientRecord*> records{table.add(), table.add(), table.add()};
  for (const ClientRecord* record : records) CHECK(record != nullptr);
  CHECK(table.add() == nullptr);
  table.remove(*records[1]);
  CHECK(table.add() == records[1]);
}

TEST_CASE("a place belongs to one client until it gives it back") {
  ClientTable table(limits(1));
  ClientAccount first(table, *table.add());
  ClientAccount second(table, *table.add());
  CHECK(first.enter({}, "first"));
  CHECK_FALSE(second.enter({}, "second"));
  first.leave();
  CHECK(second.enter({}, "second"));
}

TEST_CASE("what a killed worker held is free once its record is removed") {
  ClientTable table(limits(1, 1000));
  ClientRecord& record = *table.add();
  in_another_process([&] {
    ClientAccount account(table, record);
    if (account.enter({}, "victim") && account.claim_memory(900)) account.count_call(true);
  });
  CHECK(table.memory_in_use() == 900);
  ClientAccount next(table, *table.add());
  CHECK_FALSE(next.enter({}, "next"));
  CHECK_FALSE(next.claim_memory(101));
  table.remove(record);
  CHECK(next.enter({}, "next"));
  CHECK(next.claim_memory(1000));
  CHECK(table.totals().clients == 2);
  CHECK(table.totals().calls == 1);
  CHECK(table.totals().kernels == 1);
}

TEST_CASE("memory is refused beyond what all clients may have together") {
  ClientTable table(limits(2, 1000));
  ClientAccount first(table, *table.add());
  ClientAccount second(table, *table.add());
  CHECK(first.claim_memory(600));
  CHECK(second.free_memory() == 400);
  CHECK_FALSE(second.claim_memory(401));
  CHECK_MESSAGE(second.free_memory() == 400, "a refused claim leaves nothing behind");
  CHECK(second.claim_memory(400));
  CHECK(first.free_memory() == 0);
  first.settle_memory(100);
  CHECK(second.claim_memory(900));
}

TEST_CASE("clients that claim at the same time never get more than there is") {
  constexpr std::size_t kClients = 4;
  constexpr std::uint64_t kBytes = 1000;
  ClientTable table(limits(kClients, kBytes));
  std::array<std::atomic<std::uint64_t>, kClients> granted{};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (std::size_t client = 0; client < kClients; ++client) {
    threads.emplace_back([&, client, account = ClientAccount(table, *table.add())]() mutable {
      for (int round = 0; round < 20'000; ++round) {
        const bool got = account.claim_memory(400);
        granted[client].store(got ? 400 : 0);
        std::uint64_t sum = 0;
        for (const auto& bytes : granted) sum += bytes.load();
        // Others may have given theirs back in between, which makes the sum smaller, never larger.
        if (sum > kBytes) exceeded.store(true);
        granted[client].store(0);
        account.settle_memory(0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_FALSE(exceeded.load());
  CHECK(table.memory_in_use() == 0);
}

TEST_CASE("an account of nobody limits nothing") {
  ClientAccount account;
  CHECK(account.enter({}, "nobody"));
  CHECK(account.claim_memory(UINT64_MAX));
  CHECK(account.free_memory() == UINT64_MAX);
  account.count_call(true);
  account.settle_memory(1);
  account.leave();
}

TEST_CASE("texts of clients cannot break the report") {
  CHECK(json_string("plain") == "\"plain\"");
  CHECK(json_string("a\"b\\c\n\x7f") == "\"a\\u0022b\\u005cc\\u000a\x7f\"");
  CHECK(json_string("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80") == "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
  for (const char* broken : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    CAPTURE(broken);
    CHECK(json_string(broken).find_first_not_of("?\"") == std::string::npos);
  }
}

TEST_CASE("the report tells who is there") {
  ClientTable table({.places = 3, .others = 1, .memory_bytes = 5000, .client_memory_bytes = 700});
  ClientAccount account(table, *table.add());
  static_cast<void>(table.add());  // somebody in the handshake
  REQUIRE(account.enter({.local = true, .process_id = 42, .user_id = 7, .address = ""}, "pro\"gram"));
  account.settle_memory(123);
  account.count_call(false);
  account.count_call(true);
  const std::string report = status_report(table, "software");
  for (const char* part :
       {"\"maximumClients\":3", "\"memoryBytes\":5000", "\"memoryInUseBytes\":123",
        "\"clientMemoryBytes\":700", "\"totals\":{\"clients\":1,\"calls\":2,\"kernels\":1}",
        "\"clients\":[{\"program\":\"pro\\u0022gram\",\"processId\":42,\"userId\":7,\"workerProcessId\":"}) {
    CAPTURE(part);
    CHECK_MESSAGE(report.find(part) != std::string::npos, report);
  }
}
