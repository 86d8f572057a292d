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
install(TARGETS eg_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY experiments DESTINATION ${CMAKE_INSTALL_DATADIR}/engram)
install(FILES LICENSE README.md CHANGELOG.md CITATION.cff
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Man pages and completion come from the tool's own tables.
set(manual ${CMAKE_BINARY_DIR}/manual)
string(REPLACE ";" " " emulator "${CMAKE_CROSSCOMPILING_EMULATOR}")
install(CODE "
  file(REMOVE_RECURSE ${manual}) # of another version perhaps
  file(MAKE_DIRECTORY ${manual})
  execute_process(
    COMMAND ${emulator} $<TARGET_FILE:eg_cli> man --out ${manual}/man1
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  foreach(shell bash zsh fish)
    execute_process(
      COMMAND ${emulator} $<TARGET_FILE:eg_cli> completion \${shell}
      OUTPUT_FILE ${manual}/\${shell} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()")
install(DIRECTORY ${manual}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${manual}/bash RENAME engram
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual}/zsh RENAME _engram
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${manual}/fish RENAME engram.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

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
