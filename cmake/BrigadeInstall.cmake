# SPDX-License-Identifier: MIT
# What a consumer gets: the library with its headers, find_package(brigade), and pkg-config. All of it may be
# moved after installation.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(brigade_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/brigade)

install(TARGETS brigade EXPORT brigadeTargets
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  FILE_SET cereal_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  FILE_SET spdlog_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  FILE_SET asio_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(EXPORT brigadeTargets NAMESPACE brigade:: DESTINATION ${brigade_cmake_dir} COMPONENT library)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/brigadeConfig.cmake.in ${PROJECT_BINARY_DIR}/cmake/brigadeConfig.cmake
  INSTALL_DESTINATION ${brigade_cmake_dir})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/cmake/brigadeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/brigadeConfig.cmake ${PROJECT_BINARY_DIR}/cmake/brigadeConfigVersion.cmake
  DESTINATION ${brigade_cmake_dir} COMPONENT library)

# The .pc file finds its prefix from where it lies, whatever the depth of the library folder.
file(RELATIVE_PATH brigade_pc_to_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" brigade_pc_to_prefix "${brigade_pc_to_prefix}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/brigade.pc.in ${PROJECT_BINARY_DIR}/cmake/brigade.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/brigade.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
