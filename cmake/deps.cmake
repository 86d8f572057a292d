find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

# SUNDIALS by its files: its own package would ask for what all of its solvers
# may use, as the OpenMP of the compiler at hand.
find_path(ENGRAM_SUNDIALS_INCLUDE cvode/cvode.h REQUIRED)
find_library(ENGRAM_SUNDIALS_CVODE sundials_cvode REQUIRED)
find_library(ENGRAM_SUNDIALS_VECTOR sundials_nvecserial REQUIRED)
if(NOT TARGET engram_sundials)
  add_library(engram_sundials INTERFACE IMPORTED)
  target_include_directories(engram_sundials INTERFACE
    ${ENGRAM_SUNDIALS_INCLUDE})
  target_link_libraries(engram_sundials INTERFACE ${ENGRAM_SUNDIALS_CVODE}
    ${ENGRAM_SUNDIALS_VECTOR})
endif()
