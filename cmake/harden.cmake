# What stands between a bug and whoever would use it, in everything that is
# installed; tests/style/hardened.sh looks at the result. Sanitizers see more
# and do without.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C) # then executables are, as the libraries

if(ENGRAM_SANITIZE OR ENGRAM_TSAN OR ENGRAM_FUZZ)
  return()
endif()

# Canaries; marked targets of indirect jumps, and of returns on arm64.
foreach(flag -fstack-protector-strong -fcf-protection
    -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "ENGRAM_HAS${flag}" has)
  check_c_compiler_flag(${flag} ${has})
  if(${has})
    target_compile_options(eg_flags INTERFACE ${flag})
  endif()
endforeach()

# Checked copies and formats: 3 knows the size of a block on the heap, too.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <stdio.h>
  #if !defined __USE_FORTIFY_LEVEL || __USE_FORTIFY_LEVEL < 3
  #error not known here
  #endif
  int main(void) { return 0; }" ENGRAM_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify 2)
if(ENGRAM_HAS_FORTIFY_3)
  set(fortify 3)
endif()
target_compile_options(eg_flags INTERFACE # it needs an optimiser
  "$<$<NOT:$<CONFIG:Debug,>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${fortify}>")

# Tables that the loader fills are read-only before main; no code on the stack.
foreach(word relro now noexecstack)
  check_linker_flag(C "-Wl,-z,${word}" ENGRAM_HAS_Z_${word})
  if(ENGRAM_HAS_Z_${word})
    target_link_options(eg_flags INTERFACE "-Wl,-z,${word}")
  endif()
endforeach()
