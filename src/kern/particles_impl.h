/* A fast set of particle kernels as a template: particles_avx512.c, ..avx2.c
 * and ..generic.c define VEC_BYTES and include this file, each compiled with
 * its own flags (isa.cmake). */
#include "kern/particles.h"
#include "kern/vec.h"
#include "kern/dvec.h"
#include "kern/fast_near_exp.h"
#include "kern/fast_sum4.h"

#define P_(name) name##_f32
#define P_REAL float
#define P_VEC vec
#define P_LANES W
#define P_SET(x) vset(x)
#define P_LOAD vload
#define P_EXP2 vexp2
#define P_SUM vsum
#define P_ADD_WIDE vadd_wide
#define P_DIFFERENCE 0
#define P_WIDE 2
#define P_MAX vmax
#define P_STORE vstore
#include "kern/fast_pairs.h"

#define P_(name) name##_f64
#define P_REAL double
#define P_VEC dvec
#define P_LANES DW
#define P_SET(x) dset(x)
#define P_LOAD dload
#define P_EXP2 dexp2
#define P_SUM dsum
#define P_ADD_WIDE dadd_wide
#define P_DIFFERENCE 1
#define P_WIDE 1
#define P_MAX dmax
#define P_STORE dstore
#include "kern/fast_pairs.h"

#include "kern/fast_circle.h"
#include "kern/fast_sphere.h"
#include "kern/fast_swarm.h"

#define PARTICLES_TABLE(set_name)                                         \
    {                                                                     \
        .name = (set_name), .pairs_f32 = fast_pairs_f32,                  \
        .pairs_f64 = fast_pairs_f64, .rows_f32 = fast_rows_f32,           \
        .rows_f64 = fast_rows_f64, .circle_moments = fast_circle_moments, \
        .circle_field = fast_circle_field,                                \
        .sphere_moments = fast_sphere_moments,                            \
        .sphere_field = fast_sphere_field, .swarm = fast_swarm,           \
        .swarm_rate = fast_swarm_rate, .swarm_unit = fast_swarm_unit,     \
        .swarm_step = fast_swarm_step, .swarm_links = fast_swarm_links,   \
    }
