cmake_minimum_required(VERSION 3.21) # run by itself: policies of its own
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT
"#define EG_VERSION \"@VERSION@\"
#define EG_COMMIT \"@commit@\"
" @ONLY)
