# The live page, and who serves it: GNU libmicrohttpd, whose header is enough
# here; the library is loaded when it is needed (httpd.c), so that no other
# command waits for it. Without the header `engram watch` says what to install.
pkg_check_modules(MICROHTTPD libmicrohttpd>=0.9.71)
set(watch ${CMAKE_CURRENT_SOURCE_DIR}/watch)
if(MICROHTTPD_FOUND)
  target_include_directories(eg_watch PRIVATE ${MICROHTTPD_INCLUDE_DIRS})
  set_source_files_properties(${watch}/serve_none.c PROPERTIES HEADER_FILE_ONLY ON)
else()
  message(STATUS "watch: no libmicrohttpd (libmicrohttpd-dev has it): no live page")
  set_source_files_properties(${watch}/serve.c ${watch}/feeds.c
    ${watch}/clients.c ${watch}/httpd.c PROPERTIES HEADER_FILE_ONLY ON)
endif()

# {{NAME.html}} of watch.html is src/report/page/NAME.html, as in the report's
# own pages; {{title}} is fixed.
set(EG_WATCH_DIR ${watch}/page)
set(EG_WATCH_HTML ${CMAKE_CURRENT_BINARY_DIR}/watch.html)
file(READ ${watch}/page/watch.html page)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${watch}/page/watch.html)
foreach(part meta.html mark.html)
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/report/page/${part} text)
  string(REPLACE "{{${part}}}" "${text}" page "${page}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/report/page/${part})
endforeach()
string(REPLACE "{{title}}" "engram watch" page "${page}")
file(GENERATE OUTPUT ${EG_WATCH_HTML} CONTENT "${page}")
file(GLOB watch_files CONFIGURE_DEPENDS ${EG_WATCH_DIR}/*)
set(watch_embed ${CMAKE_CURRENT_BINARY_DIR}/watch_embed.c)
configure_file(${watch}/embed.c.in ${watch_embed} @ONLY)
set_source_files_properties(${watch_embed} PROPERTIES OBJECT_DEPENDS
  "${watch_files};${EG_WATCH_HTML}")
target_sources(eg_watch PRIVATE ${watch_embed})
