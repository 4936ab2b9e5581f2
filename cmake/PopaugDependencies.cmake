# Libraries that popaug uses (docs/architecture.md#dependencies). Public headers of popaug show only
# the standard library and nlohmann-json; everything else stays in .cc files.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# Ends the configuration with one sentence if a library was not found. PACKAGE is Debian's, the same
# in Debian 12 and 13.
function(popaug_require found library package)
  if(NOT found)
    message(FATAL_ERROR "popaug needs ${library}, which is not installed: install the Debian package "
      "${package}, or run tools/setup, which installs all that is missing.")
  endif()
endfunction()

# popaug_find(NAME PACKAGE [words of find_package]): a library that CMake finds itself.
macro(popaug_find name package)
  find_package(${name} QUIET ${ARGN})
  popaug_require("${${name}_FOUND}" "${name}" ${package})
endmacro()
popaug_find(ZLIB zlib1g-dev)
popaug_find(JPEG libjpeg-dev)
popaug_find(TIFF libtiff-dev 4.5)
popaug_find(GIF libgif-dev 5)
popaug_find(fmt libfmt-dev)
popaug_find(spdlog libspdlog-dev)
popaug_find(nlohmann_json nlohmann-json3-dev)
popaug_find(Boost libboost-math-dev 1.74)

# popaug_find_module(PREFIX MODULE PACKAGE): a library that pkg-config finds.
macro(popaug_find_module prefix module package)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
  popaug_require("${${prefix}_FOUND}" "${module}" ${package})
endmacro()
popaug_find_module(HWY libhwy libhwy-dev)
popaug_find_module(SPNG spng libspng-dev)
popaug_find_module(WEBP libwebpdemux libwebp-dev)
popaug_find_module(ZIP libzip libzip-dev)
popaug_find_module(HTTPLIB cpp-httplib libcpp-httplib-dev)
popaug_find_module(XXHASH libxxhash libxxhash-dev)

add_library(popaug_dependencies INTERFACE)
target_link_libraries(popaug_dependencies INTERFACE
  Threads::Threads ${CMAKE_DL_LIBS} ZLIB::ZLIB JPEG::JPEG fmt::fmt spdlog::spdlog
  nlohmann_json::nlohmann_json Boost::boost PkgConfig::HWY PkgConfig::SPNG PkgConfig::ZIP
  PkgConfig::XXHASH PkgConfig::WEBP TIFF::TIFF GIF::GIF)

target_link_libraries(popaug PUBLIC nlohmann_json::nlohmann_json
  PRIVATE $<BUILD_INTERFACE:popaug_dependencies>)

# Its flags change the layout of its classes, and belong to the one file that includes it.
set_source_files_properties("${PROJECT_SOURCE_DIR}/popaug/report/serve.cc" PROPERTIES
  COMPILE_OPTIONS "${HTTPLIB_CFLAGS}")
target_link_libraries(popaug PRIVATE ${HTTPLIB_LINK_LIBRARIES})
