# Compiler settings of every target.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

# Programs and libraries stand at the top of the build folder: build/popaug.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers carry time stamps; sloppiness is what ccache's manual asks for with them.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_PCH_EXTSUM=1  # popaug_pch_sum
      # The same file in another clone or build folder (a wheel's) is the same: paths count from
      # here.
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${CCACHE_PROGRAM})
endif()

add_library(popaug_flags INTERFACE)
target_compile_options(popaug_flags INTERFACE
  -Wall -Wextra -Werror
  # Bytes and weights must not depend on whether a compiler fuses a multiply and an add
  # (docs/pba.md#numbers).
  -ffp-contract=off)
if(POPAUG_FUZZ)
  # Coverage of the library itself is what guides the fuzzer.
  target_compile_options(popaug_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(POPAUG_SANITIZE)
  target_compile_options(popaug_flags INTERFACE
    -fsanitize=${POPAUG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(popaug_flags INTERFACE -fsanitize=${POPAUG_SANITIZE})
endif()
