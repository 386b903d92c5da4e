// software_gpu_test [--instructions FILE] [options of doctest]: runs the tests, then writes
// docs/instructions.md.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "instruction_counts.h"

int main(int argc, char** argv) {
  const char* document = nullptr;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--instructions") document = argv[i + 1];
  }
  const int result = doctest::Context(argc, argv).run();
  if (document == nullptr) return result;
  // Also after failed tests: one of them is that the document lacks a form.
  std::ofstream file(document);
  file << vgpu::software::test::instructions_document() << std::flush;
  if (file) return result;
  std::fprintf(stderr, "%s: cannot write %s\n", argv[0], document);
  return EXIT_FAILURE;
}
