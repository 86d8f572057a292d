# The report page in headless Chromium; skipped where node, the browser or the
# plotting library is missing.
find_program(ENGRAM_NODE node)
if(ENGRAM_NODE)
  add_executable(make_page ${CMAKE_CURRENT_SOURCE_DIR}/browser/make_page.c)
  target_link_libraries(make_page PRIVATE eg_report)
  foreach(page report flow sweep)
    add_test(NAME browser/${page} COMMAND ${ENGRAM_NODE}
      ${CMAKE_CURRENT_SOURCE_DIR}/browser/${page}_test.js
      $<TARGET_FILE:make_page> ${CMAKE_CURRENT_BINARY_DIR}/browser-${page})
    set_tests_properties(browser/${page} PROPERTIES SKIP_RETURN_CODE 77
      TIMEOUT 600 COST 90)
  endforeach()
  # The live page, served by the tool itself.
  add_test(NAME browser/watch COMMAND ${ENGRAM_NODE}
    ${CMAKE_CURRENT_SOURCE_DIR}/browser/watch_test.js
    $<TARGET_FILE:eg_cli> ${CMAKE_CURRENT_BINARY_DIR}/browser-watch)
  set_tests_properties(browser/watch PROPERTIES SKIP_RETURN_CODE 77
    TIMEOUT 600 COST 90)
else()
  message(STATUS "browser tests: no node, left out")
endif()
