# Finds libtorch inside a torch wheel, CPU or CUDA, without needing a CUDA toolkit.
# Looks in POPAUG_TORCH, else in the project's .venv. Defines TorchLib::torch and
# popaug_torch_precompile(TARGET).
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
find_library(TorchLib_CUDA torch_cuda PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(TorchLib_C10_CUDA c10_cuda PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchLib
  REQUIRED_VARS TorchLib_INCLUDE_DIR TorchLib_CPU TorchLib_MAIN TorchLib_C10
  REASON_FAILURE_MESSAGE
    "no torch found: run tools/setup, or set POPAUG_TORCH to the folder of an installed torch (the one that holds include/ and lib/)")

if(TorchLib_FOUND AND NOT TARGET TorchLib::torch)
  add_library(TorchLib::torch INTERFACE IMPORTED)
  target_include_directories(TorchLib::torch SYSTEM INTERFACE
    "${TorchLib_INCLUDE_DIR}" "${TorchLib_INCLUDE_DIR}/torch/csrc/api/include")
  set(_torch_libs "${TorchLib_MAIN}" "${TorchLib_CPU}" "${TorchLib_C10}")
  if(TorchLib_CUDA)
    # Nothing names libtorch_cuda, yet without it torch sees no device: it registers itself.
    list(APPEND _torch_libs -Wl,--no-as-needed "${TorchLib_CUDA}" "${TorchLib_C10_CUDA}"
      -Wl,--as-needed)
  endif()
  target_link_libraries(TorchLib::torch INTERFACE ${_torch_libs})
  get_filename_component(_torch_lib_dir "${TorchLib_CPU}" DIRECTORY)
  set(TorchLib_LIBRARY_DIR "${_torch_lib_dir}")
  if(NOT SKBUILD)  # a wheel finds the torch of whoever installs it
    target_link_options(TorchLib::torch INTERFACE "-Wl,-rpath,${_torch_lib_dir}")
  endif()
endif()

# torch's headers take half a minute to parse.
function(popaug_torch_precompile target)
  popaug_pch(torch LIBRARIES TorchLib::torch HEADERS
    <torch/types.h> <torch/csrc/autograd/custom_function.h> <torch/csrc/autograd/autograd.h>)
  popaug_use_pch(${target} torch)
endfunction()
