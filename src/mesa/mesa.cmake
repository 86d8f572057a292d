# Loops of plain float64 sums over matrices of a few rows: -O3 vectorises them.
set(mesa ${CMAKE_CURRENT_SOURCE_DIR}/mesa)
set_source_files_properties(${mesa}/solve.c ${mesa}/solve_exact.c
  ${mesa}/solve_gdpp.c ${mesa}/solve_iterate.c
  ${mesa}/keys.c ${mesa}/check_precision.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=off")
