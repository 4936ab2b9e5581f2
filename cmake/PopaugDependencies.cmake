# Libraries outside the mission (DESIGN section 8). Public headers of popaug show only the standard
# library and nlohmann-json; everything else stays in .cc files.
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(SPNG REQUIRED IMPORTED_TARGET spng)
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(HTTPLIB REQUIRED cpp-httplib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

add_library(popaug_dependencies INTERFACE)
target_link_libraries(popaug_dependencies INTERFACE
  Threads::Threads ${CMAKE_DL_LIBS} ZLIB::ZLIB JPEG::JPEG fmt::fmt spdlog::spdlog
  nlohmann_json::nlohmann_json Boost::boost PkgConfig::HWY PkgConfig::SPNG PkgConfig::ZIP
  PkgConfig::XXHASH)

target_link_libraries(popaug PUBLIC nlohmann_json::nlohmann_json
  PRIVATE $<BUILD_INTERFACE:popaug_dependencies>)

# Its flags change the layout of its classes, and belong to the one file that includes it.
set_source_files_properties("${PROJECT_SOURCE_DIR}/popaug/report/serve.cc" PROPERTIES
  COMPILE_OPTIONS "${HTTPLIB_CFLAGS}")
target_link_libraries(popaug PRIVATE ${HTTPLIB_LINK_LIBRARIES})
