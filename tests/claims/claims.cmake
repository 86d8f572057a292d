# The quick profile of every experiment file that trains nothing: each claim
# must hold and fail on its control. What trains takes minutes; `make demo` and
# the last step of .ci/run judge it.
if(CMAKE_CROSSCOMPILING)
  return()
endif()
file(GLOB claim_files RELATIVE ${CMAKE_SOURCE_DIR}/experiments
  CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/experiments/*/*.yaml)
foreach(file ${claim_files})
  file(STRINGS ${CMAKE_SOURCE_DIR}/experiments/${file} has_claims
    REGEX "^claims:" LIMIT_COUNT 1)
  file(STRINGS ${CMAKE_SOURCE_DIR}/experiments/${file} trains
    REGEX "^ +(base: [a-z0-9_]+[.]yaml|train:)" LIMIT_COUNT 1)
  if(NOT has_claims OR trains)
    continue()
  endif()
  string(REPLACE ".yaml" "" name ${file})
  add_test(NAME claims/${name} COMMAND bash
    ${CMAKE_CURRENT_LIST_DIR}/judge.sh $<TARGET_FILE:eg_cli>
    ${CMAKE_SOURCE_DIR} ${name})
  set_tests_properties(claims/${name} PROPERTIES TIMEOUT 600 LABELS claims COST 10
    PROCESSORS 2) # it trains on two threads
endforeach()
add_test(NAME claims/controls COMMAND bash
  ${CMAKE_CURRENT_LIST_DIR}/controls.sh $<TARGET_FILE:eg_cli>
  ${CMAKE_SOURCE_DIR})
