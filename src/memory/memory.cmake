# Loops of plain float64 sums and rank-one updates: -O3 vectorises them.
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/memory/dense.c
  ${CMAKE_CURRENT_SOURCE_DIR}/memory/toy.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=off")
