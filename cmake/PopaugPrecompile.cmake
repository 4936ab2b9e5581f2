# Headers of other libraries take half of the time of most files (torch's: nearly all of it). They are parsed
# once per set of flags and shared by targets. Off (tools/check), a file that relies on a header it does not name fails.
option(POPAUG_PCH "Precompile the headers of other libraries" ON)

# popaug_pch(NAME HEADERS <a> ... LIBRARIES b ... OPTIONS -c ...): an object library that only carries them.
# Those that use it must agree with it in flags.
function(popaug_pch name)
  cmake_parse_arguments(arg "" "" "HEADERS;LIBRARIES;OPTIONS" ${ARGN})
  if(NOT POPAUG_PCH OR TARGET popaug_${name}_pch)
    return()
  endif()
  set(source "${PROJECT_BINARY_DIR}/generated/${name}_pch.cc")
  popaug_write_if_changed("${source}" "// Carries precompiled headers.\n")
  add_library(popaug_${name}_pch OBJECT "${source}")
  target_compile_features(popaug_${name}_pch PUBLIC cxx_std_20)
  target_compile_options(popaug_${name}_pch PRIVATE ${arg_OPTIONS})
  target_link_libraries(popaug_${name}_pch PRIVATE popaug_flags ${arg_LIBRARIES})
  target_precompile_headers(popaug_${name}_pch PRIVATE ${arg_HEADERS})
  popaug_pch_flags(popaug_${name}_pch)
  popaug_pch_sum(${name} "${arg_HEADERS}" "${arg_LIBRARIES}")
endfunction()

# No two compilations give the same precompiled bytes, so the compiler's cache would know nothing of another build
# folder (a wheel's, another clone's). It takes a checksum beside them instead: of what the headers say.
function(popaug_pch_sum name headers libraries)
  set(text "")
  foreach(header IN LISTS headers)
    string(APPEND text "#include ${header}\n")
  endforeach()
  set(list "${PROJECT_BINARY_DIR}/generated/${name}_pch.h")
  popaug_write_if_changed("${list}" "${text}")
  set(includes "")
  foreach(library IN LISTS libraries)
    get_target_property(folders ${library} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders)
      list(TRANSFORM folders PREPEND "-I")
      list(APPEND includes ${folders})
    endif()
  endforeach()
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -O1 -E -P -x c++ ${includes} "${list}"
    OUTPUT_VARIABLE said RESULT_VARIABLE failed ERROR_QUIET)
  set(file "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/popaug_${name}_pch.dir/cmake_pch.hxx.gch.sum")
  if(failed)  # then the cache hashes the bytes
    message(STATUS "precompiled headers of ${name}: no checksum")
    file(REMOVE "${file}")
    return()
  endif()
  # torch's headers name themselves (__FILE__), and an environment inside the clone is part of the name.
  string(REPLACE "${PROJECT_SOURCE_DIR}" "" said "${said}")
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${said}")
  popaug_write_if_changed("${file}" "${sum}\n")
endfunction()

function(popaug_use_pch target name)
  if(POPAUG_PCH)
    popaug_pch_flags(${target})
    target_precompile_headers(${target} REUSE_FROM popaug_${name}_pch)
  endif()
endfunction()

# The same code for programs and libraries, position-independent and without an export symbol.
function(popaug_pch_flags target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF DEFINE_SYMBOL "")
  target_compile_options(${target} PRIVATE -fPIC)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The first is what ccache asks for. The second: GCC 12 warns of std::string's own code once it
    # comes from a precompiled header.
    target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-array-bounds)
  endif()
endfunction()

# What nearly every file of ours includes.
set(POPAUG_COMMON_HEADERS
  <algorithm> <atomic> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <mutex>
  <optional> <set> <span> <string> <thread> <vector> <fmt/format.h> <nlohmann/json.hpp>)
