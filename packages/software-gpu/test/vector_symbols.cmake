# The vector paths are compiled with instruction sets that the processor may lack. A function or constant that
# such an object shares with other objects (a weak symbol outside the path's own namespace) could be taken by
# the linker for the whole program, which would then crash on an older processor.
#
#   cmake -DNM=nm -DLIBRARY=libvgpu_software_gpu.a -DNAMESPACE=vgpu::software -P vector_symbols.cmake
execute_process(COMMAND ${NM} --demangle --defined-only ${LIBRARY} OUTPUT_VARIABLE symbols RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NM} cannot read ${LIBRARY}")
endif()

# nm prints an empty line, the member's name and its symbols, member after member.
string(REPLACE ";" "," symbols "${symbols}")
string(REPLACE "[" "(" symbols "${symbols}")
string(REPLACE "]" ")" symbols "${symbols}")
string(REPLACE "\n\n" ";" members "${symbols}")
set(checked 0)
set(shared "")
foreach(member IN LISTS members)
  if(NOT member MATCHES " [Tt] ${NAMESPACE}::(avx2|avx512)::")
    continue()
  endif()
  math(EXPR checked "${checked} + 1")
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]*" weak "${member}")
  foreach(symbol IN LISTS weak)
    # What the compiler itself adds for exceptions is data, the same in every object.
    if(NOT symbol MATCHES "${NAMESPACE}::(avx2|avx512)::" AND NOT symbol MATCHES "DW\\.ref\\.")
      string(APPEND shared "\n  ${symbol}")
    endif()
  endforeach()
endforeach()
if(checked LESS 2)
  message(FATAL_ERROR "${LIBRARY} has no objects of the vector paths")
endif()
if(shared)
  message(FATAL_ERROR "weak symbols outside the namespace of a vector path:${shared}")
endif()
