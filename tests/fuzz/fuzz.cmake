# Fuzz targets. Each fuzz_<x>.c is always built as a plain program (target
# `replays`: all of them) that replays its committed corpus under ctest, and with
# ENGRAM_MUTANTS=N in the environment N mutants of each file. With -DENGRAM_FUZZ=ON and clang the same
# file is also built as a libFuzzer program (target `fuzzers`: all of them):
#
#     scripts/build.sh fuzz fuzz_yaml
#     build-fuzz/tests/fuzz_yaml -max_total_time=60 NEW tests/fuzz/corpus/yaml

add_custom_target(replays)
if(ENGRAM_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "ENGRAM_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
  endif()
  # on the library too, so that the fuzzer sees its branches
  target_compile_options(eg_flags INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(eg_flags INTERFACE -fsanitize=address,undefined)
  add_custom_target(fuzzers)
endif()

# eg_fuzz(name module sources...): fuzz_<name>.c, linked with that module;
# sources of no module, such as those of the tool, are compiled in.
function(eg_fuzz name module)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_${name}.c ${ARGN})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})

  add_executable(replay_${name} ${source}
    ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay_main.c)
  target_link_libraries(replay_${name} PRIVATE eg_${module})
  add_dependencies(replays replay_${name})
  add_test(NAME fuzz/${name} COMMAND replay_${name} ${corpus})
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT ${timeout} LABELS replay)

  if(ENGRAM_FUZZ)
    add_executable(fuzz_${name} ${source})
    target_link_libraries(fuzz_${name} PRIVATE eg_${module})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${name})
  endif()
endfunction()

eg_fuzz(json base)
eg_fuzz(npy base)
eg_fuzz(safetensors base)
eg_fuzz(yaml base)
eg_fuzz(fields base)
eg_fuzz(csv flow)
eg_fuzz(picture energy)
eg_fuzz(tokenizer text)
eg_fuzz(shards text)
eg_fuzz(stats task)
eg_fuzz(text task)
eg_fuzz(checkpoint nn)
eg_fuzz(models models)
eg_fuzz(config lab)
eg_fuzz(measure lab)
eg_fuzz(claims lab)
eg_fuzz(metrics report)
eg_fuzz(rundir report)
eg_fuzz(grid lab)
