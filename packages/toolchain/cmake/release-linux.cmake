# CMake's toolchain file for what is published for Linux: Debian's compilers, with the headers and libraries of an older
# Debian (src/sysroot.mjs), so that the programs run on the oldest systems that Node runs on. The C++ library is inside:
# it must be as new as the compiler. libgcc_s is not: every Node brings it along, and it has not changed.
#
#   -DVGPU_RELEASE_ARCH=x64|arm64 -DVGPU_SYSROOT=folder

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VGPU_RELEASE_ARCH VGPU_SYSROOT)
if(VGPU_RELEASE_ARCH STREQUAL "x64")
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
elseif(VGPU_RELEASE_ARCH STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
else()
  message(FATAL_ERROR "VGPU_RELEASE_ARCH must be x64 or arm64, and is: ${VGPU_RELEASE_ARCH}")
endif()
set(triplet ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_SYSROOT ${VGPU_SYSROOT})
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${VGPU_SYSROOT}/usr/lib/${triplet}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${VGPU_SYSROOT})
# Not to be named again, which would put it before the C++ library's headers.
set(ENV{PKG_CONFIG_SYSTEM_INCLUDE_PATH} "/usr/include:${VGPU_SYSROOT}/usr/include")

# Of the folders that the compiler looks into by itself its own stay; the C library's are the other Debian's.
foreach(language c c++)
  execute_process(COMMAND ${triplet}-g++ -E -v -x ${language} /dev/null
                  OUTPUT_QUIET ERROR_VARIABLE description RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${triplet}-g++ does not work: ${description}")
  endif()
  string(REGEX MATCHALL "\n /[^\n ]*" folders "${description}")
  set(flags -nostdinc)
  foreach(folder ${folders})
    string(STRIP ${folder} folder)
    get_filename_component(folder ${folder} REALPATH)
    if(IS_DIRECTORY ${folder} AND folder MATCHES "/c[+][+]/|/gcc(-cross)?/")
      string(APPEND flags " -isystem ${folder}")
    endif()
  endforeach()
  string(APPEND flags " -isystem ${VGPU_SYSROOT}/usr/include/${triplet} -isystem ${VGPU_SYSROOT}/usr/include")
  if(language STREQUAL "c")
    set(CMAKE_C_FLAGS_INIT ${flags})
  else()
    set(CMAKE_CXX_FLAGS_INIT "${flags} -nostdinc++")
  endif()
endforeach()

# -B: also the files that every program starts with.
set(link "-B${VGPU_SYSROOT}/usr/lib/${triplet} -L${VGPU_SYSROOT}/usr/lib/${triplet} -L${VGPU_SYSROOT}/lib/${triplet}")
string(APPEND link " -static-libstdc++ -Wl,--exclude-libs,ALL")
set(CMAKE_EXE_LINKER_FLAGS_INIT ${link})
set(CMAKE_MODULE_LINKER_FLAGS_INIT ${link})
set(CMAKE_SHARED_LINKER_FLAGS_INIT ${link})
