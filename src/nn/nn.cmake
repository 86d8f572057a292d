# nn is compiled in two precisions: real/*.c once with float, once with double.
file(GLOB nn_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/nn/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/nn/modules/*.c)
file(GLOB nn_real CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/nn/real/*.c)
if(ENGRAM_FUZZ) # no bytes of a file reach them; clang takes ten times as long
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/nn/real/ops.c
    PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
endif()
# The kinds of op, one file each, as one header for real/ops.c.
file(GLOB nn_ops RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/nn/ops/*.h)
list(TRANSFORM nn_ops REPLACE "(.+)" "#include \"\\1\"\n")
list(JOIN nn_ops "" nn_ops)
file(CONFIGURE OUTPUT nn_ops.h CONTENT "${nn_ops}" @ONLY)
foreach(precision f32 f64)
  add_library(eg_nn_${precision} OBJECT ${nn_real})
  target_link_libraries(eg_nn_${precision} PUBLIC eg_kern eg_task)
  target_include_directories(eg_nn_${precision} PUBLIC ${CMAKE_SOURCE_DIR}/src
    PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endforeach()
target_compile_definitions(eg_nn_f64 PRIVATE EG_REAL_DOUBLE)
add_library(eg_nn STATIC ${nn_sources} $<TARGET_OBJECTS:eg_nn_f32>
  $<TARGET_OBJECTS:eg_nn_f64>)
target_link_libraries(eg_nn PUBLIC eg_kern eg_task)
target_include_directories(eg_nn PUBLIC ${CMAKE_SOURCE_DIR}/src)
