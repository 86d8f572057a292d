# Each script tests/cli/<x>.sh runs the tool in an empty folder of its own.
set(tool $<TARGET_FILE:eg_cli>)
set(cli_timeout 300)
if(CMAKE_CROSSCOMPILING)
  string(REPLACE ";" " " emulator "${CMAKE_CROSSCOMPILING_EMULATOR}")
  set(tool ${CMAKE_CURRENT_BINARY_DIR}/engram)
  set(cli_timeout 1200)
  file(GENERATE OUTPUT ${tool}
    CONTENT "#!/bin/sh\nexec ${emulator} $<TARGET_FILE:eg_cli> \"$@\"\n"
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endif()
add_library(nomem MODULE ${CMAKE_CURRENT_LIST_DIR}/nomem.c)
target_link_libraries(nomem PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(nomem PROPERTIES C_VISIBILITY_PRESET default)
file(GLOB cli_scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/t_*.sh)
foreach(script ${cli_scripts})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME cli/${name} COMMAND bash ${script} ${tool}
    ${CMAKE_SOURCE_DIR} $<TARGET_FILE:nomem>)
  set_tests_properties(cli/${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT ${cli_timeout})
endforeach()
# ctest begins with the dearest: those that wait most.
foreach(name t_mpi t_signals t_sweep t_hostile)
  set_tests_properties(cli/${name} PROPERTIES COST 100)
endforeach()
