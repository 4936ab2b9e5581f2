# Finds libtorch inside a torch wheel, CPU or CUDA, without needing a CUDA toolkit.
# Looks in POPAUG_TORCH, else in the project's .venv. Defines TorchLib::torch, and for further
# releases popaug_import_torch(NAME FOLDER) and popaug_torch_precompile(TARGET [NAME]).
set(_torch_roots)
if(POPAUG_TORCH)
  list(APPEND _torch_roots "${POPAUG_TORCH}")
else()
  file(GLOB _torch_roots "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
endif()

find_path(TorchLib_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
  PATHS ${_torch_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(TorchLib_CPU torch_cpu PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(TorchLib_MAIN torch PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(TorchLib_C10 c10 PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchLib
  REQUIRED_VARS TorchLib_INCLUDE_DIR TorchLib_CPU TorchLib_MAIN TorchLib_C10
  REASON_FAILURE_MESSAGE
    "no torch found: run tools/setup, or set POPAUG_TORCH to the folder of an installed torch (the one that holds include/ and lib/)")

# popaug_import_torch(NAME FOLDER): TorchLib::NAME is the libtorch of the torch in FOLDER.
function(popaug_import_torch name folder)
  set(lib "${folder}/lib")
  add_library(TorchLib::${name} INTERFACE IMPORTED)
  target_include_directories(TorchLib::${name} SYSTEM INTERFACE
    "${folder}/include" "${folder}/include/torch/csrc/api/include")
  set(libraries "${lib}/libtorch.so" "${lib}/libtorch_cpu.so" "${lib}/libc10.so")
  if(SKBUILD)
    # A wheel finds the torch of whoever installs it, which may be the CPU or the CUDA build of this
    # release. libtorch.so itself needs libtorch_cuda where there is one.
    target_link_libraries(TorchLib::${name} INTERFACE
      -Wl,--no-as-needed ${libraries} -Wl,--as-needed)
    return()
  endif()
  target_link_options(TorchLib::${name} INTERFACE "-Wl,-rpath,${lib}")
  target_link_libraries(TorchLib::${name} INTERFACE ${libraries})
  if(EXISTS "${lib}/libtorch_cuda.so")
    # Nothing names libtorch_cuda, yet without it torch sees no device: it registers itself.
    target_link_libraries(TorchLib::${name} INTERFACE -Wl,--no-as-needed
      "${lib}/libtorch_cuda.so" "${lib}/libc10_cuda.so" -Wl,--as-needed)
  endif()
endfunction()

if(TorchLib_FOUND AND NOT TARGET TorchLib::torch)
  get_filename_component(TorchLib_LIBRARY_DIR "${TorchLib_CPU}" DIRECTORY)
  get_filename_component(TorchLib_FOLDER "${TorchLib_INCLUDE_DIR}" DIRECTORY)
  popaug_import_torch(torch "${TorchLib_FOLDER}")
endif()

# popaug_torch_precompile(TARGET [NAME]): torch's headers take half a minute to parse.
function(popaug_torch_precompile target)
  set(name torch)
  if(ARGC GREATER 1)
    set(name ${ARGV1})
  endif()
  popaug_pch(${name} LIBRARIES TorchLib::${name} HEADERS
    <torch/types.h> <torch/csrc/autograd/custom_function.h> <torch/csrc/autograd/autograd.h>)
  popaug_use_pch(${target} ${name})
endfunction()
