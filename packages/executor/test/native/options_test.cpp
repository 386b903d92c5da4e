#include "options.h"

#include <doctest/doctest.h>

#include <vector>

using namespace vgpu::executor;

namespace {

Options parse(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size());
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return parse_options(pointers);
}

}  // namespace

TEST_CASE("defaults") {
  const Options options = parse({"--listen", "unix:/s"});
  CHECK(options.action == Options::Action::serve);
  REQUIRE(options.daemon.addresses.size() == 1);
  CHECK(options.daemon.addresses[0].url() == "unix:/s");
  CHECK(options.max_clients == 256);
  CHECK(options.daemon.ready_fd == -1);
  CHECK(options.backend.kind == BackendKind::automatic);
  CHECK(options.backend.kernel_time_limit == std::chrono::minutes(10));
  CHECK_MESSAGE(options.backend.memory_bytes == 0, "what that means depends on the backend");
}

TEST_CASE("everything given, in both spellings") {
  const Options options = parse({"--listen=unix:/s", "--backend", "software", "--memory=512M", "--threads",
                                 "3", "--kernel-timeout=0", "--vector-path", "portable", "--compiled-code",
                                 "never", "--max-clients=7", "--parent-fd", "0", "--own-folder", "--debug",
                                 "--driver=/d", "--cublas=/b", "--allow-guest-driver"});
  REQUIRE(options.daemon.addresses.size() == 1);
  CHECK(options.daemon.addresses[0].url() == "unix:/s");
  CHECK(options.backend.kind == BackendKind::software);
  CHECK(options.backend.memory_bytes == 512ULL << 20);
  CHECK(options.backend.threads == 3);
  CHECK(options.backend.kernel_time_limit.count() == 0);
  CHECK(options.backend.vector_path == VectorPathChoice::portable);
  CHECK(options.backend.compiled_code == CompiledCodeChoice::never);
  CHECK(options.max_clients == 7);
  CHECK(options.daemon.parent_fd == 0);
  CHECK(options.daemon.own_folder);
  CHECK(options.debug);
  CHECK(options.backend.driver.path == "/d");
  CHECK(options.backend.cublas_path == "/b");
  CHECK(options.backend.driver.allow_guest);
}

TEST_CASE("checks") {
  const auto check = [](const std::string& names) {
    return parse({"--listen=unix:/s", "--check-report=/r", "--check", names}).backend.check;
  };
  CHECK_FALSE(parse({"--listen=unix:/s"}).backend.check.any());
  CHECK(check("race").races);
  CHECK_FALSE(check("race").memory);
  CHECK(check("memory,sync").memory);
  CHECK(check("memory,sync").synchronization);
  CHECK_FALSE(check("memory,sync").initialization);
  const CheckOptions all = check("all");
  CHECK((all.memory && all.races && all.initialization && all.synchronization));
  CHECK(all.report_path == "/r");
  CHECK(all.most_findings == 1000);
  for (const char* names : {"", "races", "memory,", ",memory", "memory;race"}) {
    CAPTURE(names);
    CHECK_THROWS_AS(check(names), UsageError);
  }
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--check=all"}), UsageError);
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--check-report=/r"}), UsageError);
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--check=all", "--check-report=r"}), UsageError);
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--check=all", "--check-report=/r", "--check-limit=0"}),
                  UsageError);
}

TEST_CASE("profiles") {
  CHECK(parse({"--listen=unix:/s"}).backend.profile_path.empty());
  CHECK(parse({"--listen=unix:/s", "--profile", "/p"}).backend.profile_path == "/p");
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--profile=p"}), UsageError);
  CHECK_THROWS_AS(parse({"--listen=unix:/s", "--profile=/p", "--check=all", "--check-report=/r"}),
                  UsageError);
}

TEST_CASE("sizes") {
  CHECK(parse_bytes("--memory", "1048576") == 1 << 20);
  CHECK(parse_bytes("--memory", "1024K") == 1 << 20);
  CHECK(parse_bytes("--memory", "8G") == 8ULL << 30);
  CHECK(parse_bytes("--memory", "64T") == 64ULL << 40);
  for (const char* text : {"", "M", "1", "1048575", "1023K", "65T", "-1G", "1.5G", "1 G", "1GB", "0x100000",
                           "1g", "18446744073709551616", "99999999999999T", "1M "}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_bytes("--memory", text), UsageError);
  }
}

TEST_CASE("mistakes are named") {
  const auto complaint = [](std::vector<std::string> arguments) -> std::string {
    try {
      parse(std::move(arguments));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(complaint({}) == "--listen URL is missing");
  CHECK(complaint({"--listen"}) == "--listen is unknown or needs a value");
  CHECK(complaint({"--lis", "/s"}) == "unknown option --lis");
  CHECK(complaint({"socket", "/s"}) == "unknown option socket");
  CHECK(complaint({"--backend", "gpu"}) == "--backend is one of auto, real, software, not \"gpu\"");
  CHECK(complaint({"--threads", "0"}) == "--threads needs a whole number from 1 to 4096, not \"0\"");
  CHECK(complaint({"--threads", "2x"}) == "--threads needs a whole number from 1 to 4096, not \"2x\"");
  CHECK(complaint({"--ready-fd", "987"}) == "--ready-fd: file descriptor 987 is not open");
  CHECK(complaint({"--kernel-timeout", "-1"}).starts_with("--kernel-timeout needs"));
}

TEST_CASE("what other machines can reach needs a token") {
  for (const char* url : {"tcp:0.0.0.0:1", "tcp:[::]:1", "tcp:192.0.2.1:1", "vsock:any:1", "vsock:2:1"}) {
    CAPTURE(url);
    CHECK_THROWS_WITH_AS(
        parse({"--listen", url}),
        (std::string("--listen ") + url + " would let other machines in: it needs a --token-file").c_str(),
        UsageError);
    CHECK(parse({"--listen", url, "--token-file", "/t"}).token_file == "/t");
  }
  for (const char* url :
       {"unix:/s", "tcp:127.0.0.1:1", "tcp:127.1.2.3:1", "tcp:localhost:1", "tcp:[::1]:1", "vsock:1:1"}) {
    CAPTURE(url);
    CHECK_NOTHROW(parse({"--listen", url}));
  }
}

TEST_CASE("limits of a client") {
  const Options options = parse({"--listen", "unix:/s", "--threads", "8", "--client-fraction", "0.3",
                                 "--idle-limit", "60", "--client-lifetime=3600"});
  CHECK(options.backend.threads == 2);
  CHECK(options.tenure.idle == std::chrono::seconds(60));
  CHECK(options.tenure.lifetime == std::chrono::hours(1));
  CHECK(parse({"--listen", "unix:/s", "--threads", "2", "--client-fraction", "0.01"}).backend.threads == 1);
  for (const char* fraction : {"0", "-0.5", "1.01", "", "half", "0.5x", "nan"}) {
    CAPTURE(fraction);
    CHECK_THROWS_AS(parse({"--listen", "unix:/s", "--client-fraction", fraction}), UsageError);
  }
}

TEST_CASE("several addresses") {
  const Options options = parse({"--listen", "unix:/a", "--listen", "tcp:[::1]:4000"});
  REQUIRE(options.daemon.addresses.size() == 2);
  CHECK(options.daemon.addresses[1].url() == "tcp:[::1]:4000");
}

TEST_CASE("help and version need nothing else") {
  CHECK(parse({"--help"}).action == Options::Action::print_help);
  CHECK(parse({"--version", "--nonsense"}).action == Options::Action::print_version);
}
