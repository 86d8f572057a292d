# LAPACK is loaded when it is needed (lapack.c): its header alone.
pkg_check_modules(LAPACKE REQUIRED lapacke)
target_include_directories(eg_flow PRIVATE ${LAPACKE_INCLUDE_DIRS})

# Compiler options of single files. -Wno-psabi: vectors are passed between
# inlined functions only, so the calling convention does not matter; for
# -fno-stack-protector see isa.cmake.
set(flow ${CMAKE_CURRENT_SOURCE_DIR}/flow)
set(vectors "-O3;-ffp-contract=fast;-fno-math-errno;-Wno-psabi;-fno-stack-protector")
set_source_files_properties(${flow}/matrices.c PROPERTIES COMPILE_OPTIONS "-O3")
set_source_files_properties(${flow}/gram.c ${flow}/observe.c
  ${flow}/observe_moments.c PROPERTIES COMPILE_OPTIONS "-O3;-ffp-contract=off")
set_source_files_properties(${flow}/rows_generic.c PROPERTIES
  COMPILE_OPTIONS "${vectors}")
if(EG_X86_SETS) # as in isa.cmake
  set_source_files_properties(${flow}/rows_avx2.c PROPERTIES
    COMPILE_OPTIONS "${vectors};-mavx2;-mfma")
else()
  set_source_files_properties(${flow}/rows_avx2.c PROPERTIES HEADER_FILE_ONLY ON)
endif()
if(EG_AVX512_SETS)
  set_source_files_properties(${flow}/rows_avx512.c PROPERTIES
    COMPILE_OPTIONS "${vectors};-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mfma;-mprefer-vector-width=512")
else()
  set_source_files_properties(${flow}/rows_avx512.c PROPERTIES HEADER_FILE_ONLY ON)
endif()
