/* SPDX-License-Identifier: Apache-2.0 */
/* Products of one vector of inputs with filters: fully connected layers, and convolutions whose
 * output is one pixel. */
#ifndef DTMM_RV32_VECTOR_H
#define DTMM_RV32_VECTOR_H

#include "../dtmm.h"
#include "conv_2d_rules.h"
#include "requantize.h"

#include <stddef.h>

enum { DTMM_RV32_FILTERS = 8 };

struct dtmm_rv32_vector {
    const int8_t *x, *x_middle, *x_end; /* eight channels at a time up to the middle */
    const int8_t *weights;              /* of eight filters */
    int32_t n;                          /* channels */
    int32_t sums[DTMM_RV32_FILTERS];
};

_Static_assert(offsetof(struct dtmm_rv32_vector, sums) == 20, "sums");
_Static_assert(sizeof(struct dtmm_rv32_vector) == DTMM_RV32_VECTOR_BYTES, "vector");

/* Registers: a0 the structure; t1 x and t6 its end; t2, t3 temporary. */
#define DTMM_RV32_EACH_FILTER(f)                                                                   \
    f("a1", "s1") f("a2", "s2") f("a3", "s3") f("a4", "s4") f("a5", "s5") f("a6", "s6")            \
        f("a7", "s7") f("t0", "s8")
#define DTMM_RV32_START_FILTER(sum, w) "li " sum ",0\n mv " w ",t4\n add t4,t4,t5\n"
#define DTMM_RV32_MULTIPLY(sum, w) "lb t3,\\i(" w ")\n mul t3,t3,t2\n add " sum "," sum ",t3\n"
#define DTMM_RV32_NEXT(sum, w) "add " w "," w ",t4\n"
#define DTMM_RV32_START_FILTERS DTMM_RV32_EACH_FILTER(DTMM_RV32_START_FILTER)
/* Channels 0 .. t4 - 1, in an .irp over i. */
#define DTMM_RV32_CHANNELS                                                                         \
    "lb t2,\\i(t1)\n" DTMM_RV32_EACH_FILTER(                                                       \
        DTMM_RV32_MULTIPLY) ".endr\n"                                                              \
                            "add t1,t1,t4\n" DTMM_RV32_EACH_FILTER(DTMM_RV32_NEXT)

/* Eight filters: each input is loaded once for eight products. */
static __attribute__((noinline)) void dtmm_rv32_dot_8(struct dtmm_rv32_vector *vector)
{
    register struct dtmm_rv32_vector *a0 __asm__("a0") = vector;
    __asm__ volatile("lw t1,0(a0)\n lw t6,4(a0)\n lw t4,12(a0)\n lw t5,16(a0)\n"
                     /* each filter's sum and weights */
                     DTMM_RV32_START_FILTERS "li t4,8\n beq t1,t6,2f\n"
                     "1: .irp i,0,1,2,3,4,5,6,7\n"
                     /* multiply and move on by t4 */
                     DTMM_RV32_CHANNELS "bne t1,t6,1b\n"
                     "2: lw t6,8(a0)\n li t4,1\n beq t1,t6,4f\n"
                     "3: .irp i,0\n"
                     /* the same for one channel */
                     DTMM_RV32_CHANNELS "bne t1,t6,3b\n"
                     "4: sw a1,20(a0)\n sw a2,24(a0)\n sw a3,28(a0)\n sw a4,32(a0)\n"
                     "sw a5,36(a0)\n sw a6,40(a0)\n sw a7,44(a0)\n sw t0,48(a0)\n"
                     :
                     : "r"(a0)
                     : "memory", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
                       "t4", "t5", "t6", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8");
}

/* One channel, of x and w from these bytes on. */
#define DTMM_RV32_DOT_1(x, w)                                                                      \
    "lb %[a]," x "(%[x])\n lb %[b]," w "(%[w])\n mul %[a],%[a],%[b]\n add %[s],%[s],%[a]\n"

/* Sum of x[i] * w[i]. */
static __attribute__((noinline)) int32_t dtmm_rv32_dot(const int8_t *x, const int8_t *w, int32_t n)
{
    int32_t sum = 0, a, b;
    const int8_t *end = x + (n & ~7);
    if (x != end)
        __asm__ volatile(
            "1: .irp i,0,1,2,3,4,5,6,7\n" DTMM_RV32_DOT_1(
                "\\i", "\\i") ".endr\n"
                              "addi %[x],%[x],8\n addi %[w],%[w],8\n bne %[x],%[end],1b\n"
            : [s] "+r"(sum), [x] "+r"(x), [w] "+r"(w), [a] "=&r"(a), [b] "=&r"(b)
            : [end] "r"(end)
            : "memory");
    for (n &= 7; n; n--)
        sum += *x++ * *w++;
    return sum;
}

/* Sums of `n` filters, at most eight. */
static inline void dtmm_rv32_dot_filters(struct dtmm_rv32_vector *v, int32_t n)
{
    if (n == DTMM_RV32_FILTERS) {
        dtmm_rv32_dot_8(v);
        return;
    }
    for (int32_t i = 0; i < n; i++)
        v->sums[i] = dtmm_rv32_dot(v->x, v->weights + i * v->n, v->n);
}

static inline void dtmm_rv32_vector_init(struct dtmm_rv32_vector *v, const int8_t *x, int32_t n,
                                         const int8_t *weights)
{
    v->x = x;
    v->x_middle = x + (n & ~7);
    v->x_end = x + n;
    v->weights = weights;
    v->n = n;
}

#endif
