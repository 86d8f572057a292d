# LAPACK is loaded when it is needed (flow/lapack.c): its header alone.
target_include_directories(eg_lens PRIVATE ${LAPACKE_INCLUDE_DIRS})
