# What every native package builds with. Include after project():
#
#   include(${CMAKE_CURRENT_SOURCE_DIR}/../toolchain/cmake/VgpuNative.cmake)
#
# vgpu_target(TARGET)                         warnings, hardening, visibility, sanitizers
# vgpu_addon(NAME SOURCES … [LIBRARIES …])    an addon for Node, lib/NAME.node, on the headers that cmake-js names
# vgpu_headers_last(TARGET)                   the loader leaves out a shared library that has lost its end
# vgpu_test(NAME SOURCES … [LIBRARIES …])     a doctest program that ctest runs
# vgpu_release(TARGET)                        a C++ program or addon that is published: lets it run with an older C library
# vgpu_import(TARGET PACKAGE folder [LIBRARY name] [LIBRARIES …])
#                                             a static library that another package has built, and what it needs
#
# Programs go to bin/, libraries to lib/, tests to test/ of the build folder: only these are kept in the build
# cache (see turbo.json), so nothing that is needed later may lie elsewhere.

include_guard(GLOBAL)

set(VGPU_SANITIZE "" CACHE STRING "Sanitizers as a list, e.g. address;undefined")
option(VGPU_VALGRIND "Run the tests under valgrind" OFF)
option(VGPU_STATIC_LIBSTDCXX "Link programs with the C++ runtime inside" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Line numbers are enough for a backtrace; full debug information would multiply what the cache stores, and with
# sanitizers costs a third of the time that compiling takes.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
# Sanitizers without any optimisation make the interpreter's tests take minutes.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

get_filename_component(VGPU_PACKAGES_DIR ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
enable_testing()

function(vgpu_target target)
  get_target_property(type ${target} TYPE)
  set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                                             VISIBILITY_INLINES_HIDDEN ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -fstack-protector-strong)
  # The same sources give the same bytes in every checkout.
  target_compile_options(${target} PRIVATE -ffile-prefix-map=${VGPU_PACKAGES_DIR}/=)
  if(WIN32)
    # The stack protector is in a library of its own there.
    target_link_options(${target} PRIVATE -fstack-protector-strong)
  endif()
  if(WIN32 OR APPLE)
    # What follows is for ELF; elsewhere the linker's defaults are the same in spirit.
    return()
  endif()
  target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)

  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(${target} PRIVATE -fcf-protection -fstack-clash-protection)
  endif()

  if(VGPU_SANITIZE)
    list(JOIN VGPU_SANITIZE "," sanitizers)
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizers} -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
  else()
    # Sanitizers and fortification replace the same libc functions; -z defs rejects the sanitizers' symbols.
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
    if(NOT type STREQUAL "MODULE_LIBRARY")
      target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
  endif()

  if(VGPU_STATIC_LIBSTDCXX AND type STREQUAL "EXECUTABLE")
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()

# Only in builds for publishing (release-linux.cmake) is there anything to do.
function(vgpu_release target)
  if(VGPU_RELEASE_ARCH)
    target_sources(${target} PRIVATE ${VGPU_PACKAGES_DIR}/toolchain/cmake/older_libc.cpp)
    foreach(name exp exp2 log log2 pow)
      target_link_options(${target} PRIVATE -Wl,--wrap=${name})
    endforeach()
  endif()
endfunction()

# The symbols of the Node API come from the program that loads the addon. It stays loaded once it is: Node unloads an
# addon with the last worker thread that used it, and signal handlers and finalizers would be gone under their callers.
function(vgpu_addon name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_library(${name} MODULE ${arg_SOURCES} ${CMAKE_JS_SRC})
  vgpu_target(${name})
  vgpu_release(${name})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node")
  target_include_directories(${name} SYSTEM PRIVATE ${CMAKE_JS_INC})
  target_compile_definitions(${name} PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS
                                             NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} ${CMAKE_JS_LIB})
  if(APPLE)
    target_link_options(${name} PRIVATE -undefined dynamic_lookup)
  elseif(NOT WIN32)
    target_link_options(${name} PRIVATE -Wl,-z,nodelete)
  endif()
endfunction()

# See toolchain/src/headers-last.mjs. strip wants headersFirst before it, and this again behind it.
function(vgpu_headers_last target)
  find_program(VGPU_NODE NAMES node REQUIRED)
  set(program ${VGPU_PACKAGES_DIR}/toolchain/bin/headers-last.mjs)
  add_custom_command(TARGET ${target} POST_BUILD COMMAND ${VGPU_NODE} ${program} $<TARGET_FILE:${target}> VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${program} ${VGPU_PACKAGES_DIR}/toolchain/src/headers-last.mjs)
endfunction()

function(vgpu_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  vgpu_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  set(launcher ${CMAKE_CROSSCOMPILING_EMULATOR})
  if(VGPU_VALGRIND)
    set(launcher valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite)
  endif()
  add_test(NAME ${name} COMMAND ${launcher} $<TARGET_FILE:${name}>)
  if(VGPU_VALGRIND)
    # For the few results that valgrind's emulation of the processor gets wrong.
    set_tests_properties(${name} PROPERTIES ENVIRONMENT VGPU_UNDER_VALGRIND=1)
  endif()
endfunction()

# The other package has been built before (Turbo: ^build:native) in the variant of the same name.
function(vgpu_import target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;LIBRARY" "LIBRARIES")
  if(NOT arg_LIBRARY)
    set(arg_LIBRARY ${target})
  endif()
  get_filename_component(variant ${CMAKE_BINARY_DIR} NAME)
  set(file ${VGPU_PACKAGES_DIR}/${arg_PACKAGE}/build/${variant}/lib/lib${arg_LIBRARY}.a)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: run native-build in packages/${arg_PACKAGE} first")
  endif()
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${file})
  target_include_directories(${target} INTERFACE ${VGPU_PACKAGES_DIR}/${arg_PACKAGE}/native/include)
  target_link_libraries(${target} INTERFACE ${arg_LIBRARIES})
endfunction()
