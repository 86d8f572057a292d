# The statistics in data/ become part of the library, so that the tool works
# from anywhere and a name in a config always means the same numbers.
set(shipped ${CMAKE_SOURCE_DIR}/data/tinyshakespeare.stats.json)
set(shipped_c ${CMAKE_CURRENT_BINARY_DIR}/shipped_stats.c)
add_custom_command(OUTPUT ${shipped_c}
  COMMAND ${CMAKE_COMMAND} -DIN=${shipped} -DNAME=tinyshakespeare
          -DOUT=${shipped_c} -P ${CMAKE_CURRENT_SOURCE_DIR}/task/embed.cmake
  DEPENDS ${shipped} ${CMAKE_CURRENT_SOURCE_DIR}/task/embed.cmake
  VERBATIM)
target_sources(eg_task PRIVATE ${shipped_c})
target_link_libraries(eg_task PUBLIC PkgConfig::JANSSON m)
