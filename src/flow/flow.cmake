# Compiler options of single files. Vectors of rows.c are passed between inlined
# functions only, so the calling convention does not matter.
set(flow ${CMAKE_CURRENT_SOURCE_DIR}/flow)
set_source_files_properties(${flow}/rows.c ${flow}/matrices.c PROPERTIES
  COMPILE_OPTIONS "-O3;-Wno-psabi")
