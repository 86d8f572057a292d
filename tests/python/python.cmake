# The Python package: each python/tests/test_<x>.py, and each notebook, with a
# Python that has NumPy (and cffi, where a model is live); else skipped.
if(NOT ENGRAM_SANITIZE AND NOT ENGRAM_TSAN AND NOT ENGRAM_FUZZ
    AND NOT CMAKE_CROSSCOMPILING)
  file(GLOB python_tests CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/python/tests/test_*.py
    ${CMAKE_SOURCE_DIR}/python/notebooks/*.ipynb)
  foreach(file ${python_tests})
    get_filename_component(name ${file} NAME_WE)
    add_test(NAME python/${name} COMMAND bash
      ${CMAKE_CURRENT_LIST_DIR}/run.sh ${file} ${CMAKE_SOURCE_DIR}
      $<TARGET_FILE:eg_cli> $<TARGET_FILE:eg>)
    set_tests_properties(python/${name} PROPERTIES
      SKIP_RETURN_CODE 77 TIMEOUT 300)
  endforeach()
endif()
