# eg_flags carries what every target of ours is compiled with.
add_library(eg_flags INTERFACE)
target_compile_options(eg_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wformat=2
  -Wfloat-conversion -Wnull-dereference
  # clang would warn of every INFINITY and NAN, which are constants of type float
  $<$<C_COMPILER_ID:GNU>:-Wdouble-promotion>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  # One rounding a written operation, also where the CPU has fused ones (arm64);
  # the fast kernels, single files, ask for contraction.
  -ffp-contract=off)
if(ENGRAM_WERROR)
  target_compile_options(eg_flags INTERFACE -Werror)
endif()
if(ENGRAM_SANITIZE)
  target_compile_options(eg_flags INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(eg_flags INTERFACE -fsanitize=address,undefined)
endif()
if(ENGRAM_TSAN)
  target_compile_options(eg_flags INTERFACE -fsanitize=thread
    -fno-omit-frame-pointer)
  target_link_options(eg_flags INTERFACE -fsanitize=thread)
endif()
target_include_directories(eg_flags INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
