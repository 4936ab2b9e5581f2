# The wheel (pip install .): the package popaug with its extension module and the verbs of the
# program as a library, and inside it
#   lib/   libpopaug, and libpopaug_train where a torch was at hand when the wheel was built
#   bin/   the program; python/popaug/_program.py starts it against the user's torch
#   share/ shipped schedules and policies
set(POPAUG_TESTS OFF CACHE BOOL "Build the tests")
if(NOT DEFINED POPAUG_TRAIN)
  set(POPAUG_TORCH "$ENV{POPAUG_TORCH}" CACHE PATH "An installed torch: the folder with include/ and lib/")
  find_package(TorchLib QUIET)
  set(POPAUG_TRAIN ${TorchLib_FOUND} CACHE BOOL "Build the rooms that need torch (model, train)")
endif()
# Lines that begin with "popaug:" reach the terminal of who installs (python/build_backend).
if(POPAUG_TRAIN)
  message(STATUS "popaug: building with training, for the torch in ${TorchLib_INCLUDE_DIR}")
else()
  message(STATUS "popaug: no torch was found, so this build leaves out training (popaug search, "
    "train, compare ...). To have it, set POPAUG_TORCH to the folder of an installed torch, the "
    "one with include/ and lib/")
endif()

function(popaug_install_wheel)
  set(libraries popaug)
  if(POPAUG_TRAIN)
    list(APPEND libraries popaug_train)
    # The release of torch that libpopaug_train was built for: no other fits.
    file(READ "${TorchLib_INCLUDE_DIR}/torch/headeronly/version.h" header)
    set(version)
    foreach(part MAJOR MINOR PATCH)
      string(REGEX MATCH "define TORCH_VERSION_${part} ([0-9]+)" unused "${header}")
      list(APPEND version "${CMAKE_MATCH_1}")
    endforeach()
    list(JOIN version "." version)
    file(WRITE "${PROJECT_BINARY_DIR}/torch-version.txt" "${version}\n")
    install(FILES "${PROJECT_BINARY_DIR}/torch-version.txt" DESTINATION popaug/lib)
  endif()
  # One file a library: wheels know no links.
  set_target_properties(${libraries} PROPERTIES VERSION 0 SOVERSION 0)
  # No path of this machine: the launcher says where torch's libraries are.
  set_target_properties(${libraries} PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS ${libraries} LIBRARY DESTINATION popaug/lib NAMELINK_SKIP)
  set_target_properties(popaug_core popaug_entry PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
  install(TARGETS popaug_core popaug_entry LIBRARY DESTINATION popaug)
  install(TARGETS popaug_cli RUNTIME DESTINATION popaug/bin)
  install(DIRECTORY data/ DESTINATION popaug/share/popaug)
endfunction()
