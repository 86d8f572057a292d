# Compiler flags of single kernel files; nothing else sees them.
set(kern ${CMAKE_CURRENT_SOURCE_DIR}/kern)

# The reference: no fused multiply-add; -O3 only so that its loops vectorise.
set_source_files_properties(${kern}/ref_f32.c ${kern}/ref_f64.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=off")
