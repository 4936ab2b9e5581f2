# Installs the program, both libraries, the doors and a CMake package: find_package(popaug).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS popaug EXPORT popaugTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(POPAUG_TRAIN)
  install(TARGETS popaug_train EXPORT popaugTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS popaug_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# Private headers lie in the room's internal/ folder: what they declare may change at any time.
install(DIRECTORY popaug DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
  PATTERN "internal" EXCLUDE PATTERN "*_test.h" EXCLUDE)
# Shipped data: found by popaug/base/shipped.h from the library's place. A build folder links to it.
install(DIRECTORY data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/popaug)
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/share")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/data" "${PROJECT_BINARY_DIR}/share/popaug" SYMBOLIC)
install(EXPORT popaugTargets NAMESPACE popaug:: FILE popaugTargets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/popaug)
configure_package_config_file(cmake/popaugConfig.cmake.in
  ${PROJECT_BINARY_DIR}/popaugConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/popaug)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/popaugConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/popaugConfig.cmake
  ${PROJECT_BINARY_DIR}/popaugConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/popaug)
