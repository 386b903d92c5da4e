// What docs/coverage.md says of the software GPU: it has a method of its own for every remote call. Checked
// by the compiler; a call that is missing is named in its message.
#include <doctest/doctest.h>

#include <type_traits>

#include "backends/software/software_backend.h"
#include "remote_calls.h"

using namespace vgpu::executor;

// A method that is only inherited has the type of the class that it comes from.
#define IS_IMPLEMENTED(name)                                                                      \
  static_assert(!std::is_same_v<decltype(&SoftwareBackend::name), decltype(&BackendCalls::name)>, \
                "the software GPU has no " #name);
VGPU_FOR_EACH_REMOTE_CALL(IS_IMPLEMENTED)

TEST_CASE("the software GPU answers every remote call") {
  // Proven above, before this could run.
}
