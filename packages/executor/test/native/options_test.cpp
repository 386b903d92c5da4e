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
  const Options options = parse({"--socket", "/s"});
  CHECK(options.action == Options::Action::serve);
  CHECK(options.daemon.socket_path == "/s");
  CHECK(options.max_clients == 256);
  CHECK(options.daemon.ready_fd == -1);
  CHECK(options.backend.kind == BackendKind::automatic);
  CHECK(options.backend.kernel_time_limit == std::chrono::minutes(10));
  CHECK_MESSAGE(options.backend.memory_bytes == 0, "what that means depends on the backend");
}

TEST_CASE("everything given, in both spellings") {
  const Options options =
      parse({"--socket=/s", "--backend", "software", "--memory=512M", "--threads", "3", "--kernel-timeout=0",
             "--vector-path", "portable", "--max-clients=7", "--parent-fd", "0", "--own-folder", "--debug",
             "--driver=/d", "--allow-guest-driver"});
  CHECK(options.daemon.socket_path == "/s");
  CHECK(options.backend.kind == BackendKind::software);
  CHECK(options.backend.memory_bytes == 512ULL << 20);
  CHECK(options.backend.threads == 3);
  CHECK(options.backend.kernel_time_limit.count() == 0);
  CHECK(options.backend.vector_path == VectorPathChoice::portable);
  CHECK(options.max_clients == 7);
  CHECK(options.daemon.parent_fd == 0);
  CHECK(options.daemon.own_folder);
  CHECK(options.debug);
  CHECK(options.backend.driver.path == "/d");
  CHECK(options.backend.driver.allow_guest);
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
  CHECK(complaint({}) == "--socket PATH is missing");
  CHECK(complaint({"--socket"}) == "--socket is unknown or needs a value");
  CHECK(complaint({"--sock", "/s"}) == "unknown option --sock");
  CHECK(complaint({"socket", "/s"}) == "unknown option socket");
  CHECK(complaint({"--backend", "gpu"}) == "--backend is one of auto, real, software, not \"gpu\"");
  CHECK(complaint({"--threads", "0"}) == "--threads needs a whole number from 1 to 4096, not \"0\"");
  CHECK(complaint({"--threads", "2x"}) == "--threads needs a whole number from 1 to 4096, not \"2x\"");
  CHECK(complaint({"--ready-fd", "987"}) == "--ready-fd: file descriptor 987 is not open");
  CHECK(complaint({"--kernel-timeout", "-1"}).starts_with("--kernel-timeout needs"));
}

TEST_CASE("help and version need nothing else") {
  CHECK(parse({"--help"}).action == Options::Action::print_help);
  CHECK(parse({"--version", "--nonsense"}).action == Options::Action::print_version);
}
