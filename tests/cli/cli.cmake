# Each script tests/cli/<x>.sh runs the tool in an empty folder of its own.
file(GLOB cli_scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/t_*.sh)
foreach(script ${cli_scripts})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME cli/${name} COMMAND bash ${script} $<TARGET_FILE:eg_cli>
    ${CMAKE_SOURCE_DIR})
  set_tests_properties(cli/${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT 300)
endforeach()
