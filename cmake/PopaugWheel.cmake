# The wheel (pip install .): the package popaug with its extension module and the verbs of the
# program as a library, and inside it
#   lib/             libpopaug
#   lib/torch-X.Y/   libpopaug_train for the releases X.Y.* of torch; one folder for each X.Y that
#                    was at hand when the wheel was built
#   bin/             the program; python/popaug/_program.py says which torch is installed
#   share/           shipped schedules and policies
#
# Why a library for each X.Y: torch's C++ interface changes from one X.Y to the next (functions that
# libpopaug_train calls appear and go), and does not within X.Y (docs/decisions/wheels.md).
set(POPAUG_TESTS OFF CACHE BOOL "Build the tests")
set(POPAUG_MORE_TORCHES "" CACHE STRING
  "Folders of further torch releases (as POPAUG_TORCH; ':' between two), each for a library of its own")
if(DEFINED ENV{POPAUG_MORE_TORCHES})  # also in a folder that an earlier build has configured
  set_property(CACHE POPAUG_MORE_TORCHES PROPERTY VALUE "$ENV{POPAUG_MORE_TORCHES}")
endif()
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

# The X.Y of the torch in a folder.
function(popaug_torch_release folder out)
  set(header "${folder}/include/torch/headeronly/version.h")
  if(NOT EXISTS "${header}")
    message(FATAL_ERROR "popaug: ${folder} is not the folder of an installed torch: "
      "${header} is missing")
  endif()
  file(READ "${header}" text)
  foreach(part MAJOR MINOR)
    string(REGEX MATCH "define TORCH_VERSION_${part} ([0-9]+)" unused "${text}")
    set(${part} "${CMAKE_MATCH_1}")
  endforeach()
  set(${out} "${MAJOR}.${MINOR}" PARENT_SCOPE)
endfunction()

# Installs a training library into the folder of its release.
function(popaug_install_training library release)
  # One file a library: wheels know no links. No path of this machine: the program opens torch's
  # libraries before this one.
  set_target_properties(${library} PROPERTIES VERSION 0 SOVERSION 0 OUTPUT_NAME popaug_train
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/torch-${release}" INSTALL_RPATH "$ORIGIN/..")
  install(TARGETS ${library} LIBRARY DESTINATION popaug/lib/torch-${release} NAMELINK_SKIP)
endfunction()

# The training libraries: that of POPAUG_TORCH, and one for each further release.
function(popaug_install_training_libraries)
  popaug_torch_release("${TorchLib_FOLDER}" release)
  popaug_install_training(popaug_train ${release})
  set(releases ${release})
  string(REPLACE ":" ";" folders "${POPAUG_MORE_TORCHES}")
  foreach(folder IN LISTS folders)
    popaug_torch_release("${folder}" release)
    if(NOT release IN_LIST releases)
      list(APPEND releases ${release})
      string(REPLACE "." "_" name "torch_${release}")
      popaug_import_torch(${name} "${folder}")
      popaug_library(popaug_train_${name} ROOMS ${POPAUG_TRAIN_ROOMS})
      target_link_libraries(popaug_train_${name} PUBLIC popaug PRIVATE TorchLib::${name})
      popaug_torch_precompile(popaug_train_${name} ${name})
      popaug_install_training(popaug_train_${name} ${release})
    endif()
  endforeach()
  list(JOIN releases ", " text)
  message(STATUS "popaug: training libraries for torch ${text}")
endfunction()

function(popaug_install_wheel)
  if(POPAUG_TRAIN)
    popaug_install_training_libraries()
  endif()
  set_target_properties(popaug PROPERTIES VERSION 0 SOVERSION 0 INSTALL_RPATH "$ORIGIN")
  install(TARGETS popaug LIBRARY DESTINATION popaug/lib NAMELINK_SKIP)
  set_target_properties(popaug_core popaug_entry PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
  install(TARGETS popaug_core popaug_entry LIBRARY DESTINATION popaug)
  install(TARGETS popaug_cli RUNTIME DESTINATION popaug/bin)
  install(DIRECTORY data/ DESTINATION popaug/share/popaug)
endfunction()
