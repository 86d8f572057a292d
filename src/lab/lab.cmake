# Version and commit, as the run records state them. The header is rewritten
# only when it changes.
set(EG_VERSION_HEADER ${CMAKE_CURRENT_BINARY_DIR}/lab/lab_version.h)
add_custom_target(eg_lab_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR}
    -DVERSION=${PROJECT_VERSION} -DOUT=${EG_VERSION_HEADER}
    -P ${CMAKE_CURRENT_SOURCE_DIR}/lab/version.cmake
  BYPRODUCTS ${EG_VERSION_HEADER}
  VERBATIM)
add_dependencies(eg_lab eg_lab_version)
target_include_directories(eg_lab PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/lab)
