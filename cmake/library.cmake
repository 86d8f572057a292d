# libengram, shared and static, from the objects of the modules: nothing is
# compiled twice. Only EG_API symbols are exported by the shared one.
set(objects)
set(needs)
foreach(module base kern_f64 kern text task memory flow nn_f32 nn_f64 nn mesa energy models probe lens lab report watch)
  if(NOT TARGET eg_${module})
    continue()
  endif()
  get_target_property(type eg_${module} TYPE)
  if(NOT type STREQUAL INTERFACE_LIBRARY)
    list(APPEND objects $<TARGET_OBJECTS:eg_${module}>)
    get_target_property(links eg_${module} LINK_LIBRARIES)
    list(APPEND needs ${links})
  endif()
endforeach()
# What the modules link from outside the tree.
list(REMOVE_DUPLICATES needs)
list(FILTER needs EXCLUDE REGEX "^eg_")

function(eg_library name type)
  add_library(${name} ${type} ${objects})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME engram
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    LINKER_LANGUAGE C ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PRIVATE ${needs} $<BUILD_INTERFACE:eg_flags>)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:include>)
endfunction()

eg_library(eg SHARED)
eg_library(eg_static STATIC)
set_target_properties(eg PROPERTIES EXPORT_NAME engram)
set_target_properties(eg_static PROPERTIES EXPORT_NAME static)
