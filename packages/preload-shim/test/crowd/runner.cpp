// Runs programs, one job a line, and says what each did, one line of JSON each:
//   crowd_runner FOLDER USER
// FOLDER is emptied and entered for each job; the programs run as USER unless that is 0. A job is
//   VARIANT <tab> LIMIT_MS <tab> PROGRAM [<tab> ARGUMENT]…
// Linked statically, so that no preloaded library is in its own process.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "observe.h"

namespace vgpu::crowd {
namespace {

/// Enough to see where two texts differ; the number tells whether they do.
constexpr std::size_t kShown = 2000;

std::string quoted(const std::string& text) {
  std::ostringstream json;
  json << '"';
  for (const char character : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      json << escaped;
    } else {
      json << character;
    }
  }
  json << '"';
  return json.str();
}

/// FNV-1a.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (const char character : text) value = (value ^ static_cast<unsigned char>(character)) * 0x100000001b3u;
  return value;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
  return words;
}

void enter_empty(const std::filesystem::path& folder, unsigned user) {
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  if (user != 0 && chown(folder.c_str(), user, user) != 0) throw std::runtime_error("chown failed");
  std::filesystem::current_path(folder);
}

void run_job(const std::string& line, const std::filesystem::path& folder, unsigned user) {
  const std::vector<std::string> words = split(line);
  if (words.size() < 3) throw std::invalid_argument("not a job: " + line);
  enter_empty(folder, user);
  const Observation seen = observe(words[0], {words.begin() + 2, words.end()}, user,
                                   std::chrono::milliseconds(std::stol(words[1])));
  std::cout << "{\"ending\":" << quoted(seen.ending) << ",\"output\":" << quoted(seen.output)
            << ",\"errors\":" << quoted(seen.errors) << ",\"outputHash\":\"" << hash(seen.output)
            << "\",\"errorsHash\":\"" << hash(seen.errors) << "\",\"threads\":" << seen.threads
            << ",\"children\":" << seen.children << ",\"descriptors\":" << seen.descriptors << "}"
            << std::endl;
}

}  // namespace
}  // namespace vgpu::crowd

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: crowd_runner FOLDER USER\n";
    return 2;
  }
  try {
    const auto user = static_cast<unsigned>(std::stoul(arguments[2]));
    for (std::string line; std::getline(std::cin, line);) vgpu::crowd::run_job(line, arguments[1], user);
  } catch (const std::exception& error) {
    std::cerr << "crowd_runner: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
