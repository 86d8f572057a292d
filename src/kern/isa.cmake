# Compiler flags of single kernel files; nothing else sees them.
set(kern ${CMAKE_CURRENT_SOURCE_DIR}/kern)

# The reference: no fused multiply-add; -O3 only so that its loops vectorise.
set_source_files_properties(${kern}/ref_f32.c ${kern}/ref_f64.c
  ${kern}/particles_ref.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=off")

# The fast sets may contract products and sums. -Wno-psabi: vectors are passed
# between inlined functions only, so the calling convention does not matter.
# Arrays in them have sizes that no file decides: a canary for each tile would
# be 2 % of a product's instructions.
set(speed -O2)
if(ENGRAM_SANITIZE) # with checks in them gcc takes three times as long for -O2
  set(speed -O1 -fexpensive-optimizations) # the latter: a * b + c in one rounding
endif()
set(fast "${speed};-ffp-contract=fast;-fno-math-errno;-Wno-psabi;-fno-stack-protector")
if(ENGRAM_SANITIZE) # half the time again; bounds and addresses find what they do
  list(APPEND fast -fno-sanitize=object-size,pointer-overflow)
endif()
if(ENGRAM_FUZZ) # no bytes of a file reach them; clang takes ten times as long
  list(APPEND fast -fno-sanitize=all)
endif()
set_source_files_properties(${kern}/generic.c ${kern}/generic_f64.c
  ${kern}/particles_generic.c PROPERTIES
  COMPILE_OPTIONS "${fast}")
set(EG_X86_SETS OFF)
if(ENGRAM_X86_SETS AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(EG_X86_SETS ON)
endif()
# Sanitizers see what runs: with them, no sets that this machine does not run.
set(EG_AVX512_SETS ${EG_X86_SETS})
if(ENGRAM_SANITIZE AND EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo avx512 REGEX avx512vl LIMIT_COUNT 1)
  if(NOT avx512)
    set(EG_AVX512_SETS OFF)
  endif()
endif()
set(avx2 ${kern}/avx2.c ${kern}/avx2_f64.c ${kern}/particles_avx2.c)
set(avx512 ${kern}/avx512.c ${kern}/avx512_f64.c ${kern}/particles_avx512.c)
set(amx ${kern}/amx.c ${kern}/amx_bf16.c)
set(wide "${fast};-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mfma;-mprefer-vector-width=512")
if(EG_X86_SETS)
  target_compile_definitions(eg_kern PUBLIC EG_X86_SETS)
  set_source_files_properties(${avx2} PROPERTIES
    COMPILE_OPTIONS "${fast};-mavx2;-mfma")
else()
  set_source_files_properties(${avx2} PROPERTIES HEADER_FILE_ONLY ON)
endif()
if(EG_AVX512_SETS)
  target_compile_definitions(eg_kern PUBLIC EG_AVX512_SETS)
  set_source_files_properties(${avx512} PROPERTIES COMPILE_OPTIONS "${wide}")
  set_source_files_properties(${kern}/amx.c PROPERTIES
    COMPILE_OPTIONS "${wide};-mamx-tile;-mamx-bf16")
  set_source_files_properties(${kern}/amx_bf16.c PROPERTIES
    COMPILE_OPTIONS "${wide};-mavx512bf16;-mamx-tile;-mamx-bf16")
else()
  set_source_files_properties(${avx512} ${amx} PROPERTIES HEADER_FILE_ONLY ON)
endif()

# The benchmark in float64.
add_library(eg_kern_f64 OBJECT ${kern}/bench.c ${kern}/bench_attn.c
  ${kern}/bench_elem.c ${kern}/bench_gemm.c)
target_compile_definitions(eg_kern_f64 PRIVATE EG_REAL_DOUBLE)
target_include_directories(eg_kern_f64 PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(eg_kern_f64 PRIVATE eg_flags eg_base)
target_sources(eg_kern PRIVATE $<TARGET_OBJECTS:eg_kern_f64>)

# Yardsticks of `bench kernels`. Off by default: the tool needs neither.
option(ENGRAM_YARDSTICK "Compare the kernels with oneDNN and LIBXSMM" OFF)
if(ENGRAM_YARDSTICK)
  find_package(OpenMP REQUIRED COMPONENTS C)
  # not find_package(dnnl), which insists on the headers of OpenCL
  find_library(DNNL dnnl REQUIRED)
  find_library(XSMM xsmm REQUIRED)
  find_library(XSMM_NOBLAS xsmmnoblas REQUIRED)
  target_link_libraries(eg_kern PRIVATE
    ${DNNL} ${XSMM} ${XSMM_NOBLAS} ${OpenMP_gomp_LIBRARY}
    ${CMAKE_DL_LIBS})
  set_source_files_properties(${kern}/yardstick_none.c PROPERTIES
    HEADER_FILE_ONLY ON)
else()
  set_source_files_properties(${kern}/yardstick.c PROPERTIES
    HEADER_FILE_ONLY ON)
endif()
