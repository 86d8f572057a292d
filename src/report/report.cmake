# The fixed parts of the report page, and the plotting library when npm has
# fetched it, become symbols of eg_report.
set(plotly ${CMAKE_SOURCE_DIR}/node_modules/plotly.js-dist-min/plotly.min.js)
set(EG_PAGE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/report/page)
set(EG_PLOTLY_FILE ${plotly})
if(NOT EXISTS ${plotly})
  message(STATUS "report: no ${plotly} (npm ci fetches it): pages without figures")
  set(EG_PLOTLY_FILE ${CMAKE_CURRENT_BINARY_DIR}/no_plotly.js)
  file(WRITE ${EG_PLOTLY_FILE} "")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/package-lock.json)

# src/report/page/NAME.EXT becomes the text {{NAME.EXT}} of a page (page.c).
file(GLOB page_files CONFIGURE_DEPENDS ${EG_PAGE_DIR}/*)
set(EG_PAGE_EMBEDS "")
set(EG_PAGE_PARTS "")
foreach(file ${page_files})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER "egi_page_text_${name}" symbol)
  string(APPEND EG_PAGE_EMBEDS
    "extern const char ${symbol}[];\nEMBED(${symbol}, \"${file}\");\n")
  string(APPEND EG_PAGE_PARTS "    {\"${name}\", ${symbol}},\n")
endforeach()
set(embed ${CMAKE_CURRENT_BINARY_DIR}/report_embed.c)
configure_file(${CMAKE_CURRENT_SOURCE_DIR}/report/embed.c.in ${embed} @ONLY)
set_source_files_properties(${embed} PROPERTIES OBJECT_DEPENDS
  "${page_files};${EG_PLOTLY_FILE}")
target_sources(eg_report PRIVATE ${embed})
