# A room is a folder of popaug/, with folders of its own such as internal/ (what is private to it) and
# augment/ops/. Its files: x.cc, and beside it x_test.cc, x_bench.cc, x_fuzz.cc.

function(popaug_room_files room suffix out)
  set(folder "${PROJECT_SOURCE_DIR}/popaug/${room}")
  file(GLOB files CONFIGURE_DEPENDS "${folder}/*.cc" "${folder}/*/*.cc")
  if(suffix)
    list(FILTER files INCLUDE REGEX "_${suffix}\\.cc$")
  else()
    list(FILTER files EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  endif()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# popaug_library(NAME ROOMS r...): one shared library of several rooms.
function(popaug_library name)
  cmake_parse_arguments(arg "" "" "ROOMS" ${ARGN})
  set(sources)
  foreach(room IN LISTS arg_ROOMS)
    popaug_room_files(${room} "" files)
    list(APPEND sources ${files})
  endforeach()
  add_library(${name} SHARED ${sources})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
    $<INSTALL_INTERFACE:include>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:popaug_flags>)
  # A library finds the other one beside it: libpopaug opens libpopaug_train at run time.
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
    BUILD_RPATH_USE_ORIGIN ON BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN")
endfunction()

# popaug_room_tests(LIBRARY room...): one test program per room, found by ctest test by test.
function(popaug_room_tests library)
  foreach(room IN LISTS ARGN)
    popaug_room_files(${room} test files)
    if(files)
      popaug_test(test_${room} LIBRARY ${library} SOURCES ${files})
    endif()
  endforeach()
endfunction()

# Oracles, programs and folders that tests use reach them through the environment.
set(POPAUG_TEST_ENVIRONMENT
  "POPAUG_SOURCE=${PROJECT_SOURCE_DIR}"
  "POPAUG_BUILD=${PROJECT_BINARY_DIR}"
  "POPAUG_PYTHON=${PROJECT_SOURCE_DIR}/.venv/bin/python")

function(popaug_test name)
  cmake_parse_arguments(arg "" "LIBRARY" "SOURCES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARY} popaug_flags popaug_dependencies
    GTest::gmock GTest::gtest_main)
  if(arg_LIBRARY STREQUAL "popaug_train")
    target_link_libraries(${name} PRIVATE TorchLib::torch)
    popaug_torch_precompile(${name})
  else()
    # Compiled in two thirds of the time; what they test is compiled as it ships.
    target_compile_options(${name} PRIVATE -O1 -g0)
    popaug_pch(test HEADERS ${POPAUG_COMMON_HEADERS} <gmock/gmock.h> <gtest/gtest.h>
      LIBRARIES popaug_dependencies GTest::gmock OPTIONS -O1 -g0)
    popaug_use_pch(${name} test)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    TEST_LIST ${name}_list PROPERTIES TIMEOUT 600)
  # Not among the PROPERTIES above, which take a list apart and keep its first item.
  set(environment "${PROJECT_BINARY_DIR}/${name}_environment.cmake")
  popaug_write_if_changed("${environment}" "if(${name}_list)
  set_tests_properties(\${${name}_list} PROPERTIES ENVIRONMENT \"${POPAUG_TEST_ENVIRONMENT}\")
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${environment}")
endfunction()

# Every x_fuzz.cc holds LLVMFuzzerTestOneInput. With POPAUG_FUZZ it becomes a libFuzzer program;
# always, a plain program runs it over its seed corpus tests/corpus/x as an ordinary test.
function(popaug_fuzz_targets)
  foreach(room IN LISTS ARGN)
    popaug_room_files(${room} fuzz files)
    foreach(file IN LISTS files)
      get_filename_component(name ${file} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" subject ${name})
      set(library popaug)
      if(room IN_LIST POPAUG_TRAIN_ROOMS AND POPAUG_TRAIN)
        set(library popaug_train)
      elseif(room IN_LIST POPAUG_TRAIN_ROOMS)
        # Readers know nothing of torch: they are fuzzed without it too.
        list(APPEND file ${PROJECT_SOURCE_DIR}/popaug/model/checkpoint.cc
          ${PROJECT_SOURCE_DIR}/popaug/model/safetensors.cc)
      endif()
      if(POPAUG_FUZZ)
        add_executable(fuzz_${subject} ${file})
        target_compile_options(fuzz_${subject} PRIVATE -fsanitize=fuzzer)
        target_link_options(fuzz_${subject} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(fuzz_${subject} PRIVATE ${library} popaug_flags popaug_dependencies)
      endif()
      if(POPAUG_TESTS)
        add_executable(corpus_${subject} ${file} ${PROJECT_SOURCE_DIR}/tests/corpus_main.cc)
        target_link_libraries(corpus_${subject} PRIVATE ${library} popaug_flags popaug_dependencies)
        add_test(NAME corpus.${subject}
          COMMAND corpus_${subject} ${PROJECT_SOURCE_DIR}/tests/corpus/${subject})
        set_tests_properties(corpus.${subject} PROPERTIES TIMEOUT 300)
      endif()
    endforeach()
  endforeach()
endfunction()
