# engram-mpi.so, beside the tool: ranks by MPI (mpi/ranks_mpi.c). Nothing else
# knows MPI; without it the tool says so when it is one of several ranks.
include(GNUInstallDirs)
set(engram_mpi_dir ${CMAKE_INSTALL_LIBDIR}/engram)
file(RELATIVE_PATH engram_mpi_place /${CMAKE_INSTALL_BINDIR}
  /${engram_mpi_dir}/engram-mpi.so)
if(ENGRAM_MPI AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(OMPI IMPORTED_TARGET ompi-c)
endif()
if(TARGET PkgConfig::OMPI)
  add_library(eg_mpi MODULE mpi/ranks_mpi.c)
  set_target_properties(eg_mpi PROPERTIES PREFIX "" OUTPUT_NAME engram-mpi
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_include_directories(eg_mpi PRIVATE include)
  target_link_libraries(eg_mpi PRIVATE PkgConfig::OMPI eg_flags)
  install(TARGETS eg_mpi LIBRARY DESTINATION ${engram_mpi_dir})
endif()
