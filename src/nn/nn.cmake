# nn is compiled in two precisions: real/*.c once with float, once with double.
file(GLOB nn_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/nn/*.c)
file(GLOB nn_real CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/nn/real/*.c)
foreach(precision f32 f64)
  add_library(eg_nn_${precision} OBJECT ${nn_real})
  target_link_libraries(eg_nn_${precision} PUBLIC eg_kern eg_task)
  target_include_directories(eg_nn_${precision} PUBLIC ${CMAKE_SOURCE_DIR}/src)
endforeach()
target_compile_definitions(eg_nn_f64 PRIVATE EG_REAL_DOUBLE)
add_library(eg_nn STATIC ${nn_sources} $<TARGET_OBJECTS:eg_nn_f32>
  $<TARGET_OBJECTS:eg_nn_f64>)
target_link_libraries(eg_nn PUBLIC eg_kern eg_task)
target_include_directories(eg_nn PUBLIC ${CMAKE_SOURCE_DIR}/src)
