# make install: tool, libraries, headers, and what finds them again
# (find_package, pkg-config). All of it may be moved as a whole.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS eg EXPORT engramTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS eg_static EXPORT engramStaticTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/engram DESTINATION include
  FILES_MATCHING PATTERN "*.h")
if(TARGET eg_cli)
  install(TARGETS eg_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE README.md CHANGELOG.md CITATION.cff
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/engram)
install(EXPORT engramTargets NAMESPACE engram:: DESTINATION ${config_dir})
install(EXPORT engramStaticTargets NAMESPACE engram::
  DESTINATION ${config_dir})
configure_package_config_file(cmake/engramConfig.cmake.in
  ${CMAKE_BINARY_DIR}/engramConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/engramConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/engramConfig.cmake
  ${CMAKE_BINARY_DIR}/engramConfigVersion.cmake DESTINATION ${config_dir})
# The very file that found the dependencies here finds them there.
install(FILES cmake/deps.cmake DESTINATION ${config_dir}
  RENAME engramDeps.cmake)

# engram.pc finds its prefix from where it lies.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix /${pc_dir} /)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/engram.pc.in ${CMAKE_BINARY_DIR}/engram.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/engram.pc DESTINATION ${pc_dir})
