/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on two inputs share: four elements at a time, with a stride of their own for
 * each input (0 where it is repeated). */
#ifndef DTMM_MVE_ELEMENTWISE_H
#define DTMM_MVE_ELEMENTWISE_H

#include "../dtmm.h"
#include "requantize.h"

/* The offsets of four elements. */
static inline uint32x4_t dtmm_mve_offsets(int32_t stride)
{
    static const uint32_t first_four[4] = {0, 1, 2, 3};
    return vmulq_n_u32(vldrwq_u32(first_four), (uint32_t)stride);
}

/* One operand of add and sub, or their result: how to scale it down. `rounds` is 1 where `shift` is
 * not 0. */
struct dtmm_mve_scale {
    int32_t zero_point, multiplier, rounds, shift;
};

static inline struct dtmm_mve_scale dtmm_mve_scale(int32_t zero_point, int32_t multiplier,
                                                   int32_t shift)
{
    return (struct dtmm_mve_scale){zero_point, multiplier, shift != 0, shift};
}

struct dtmm_mve_add {
    struct dtmm_mve_scale a, b, output;
    int32x4_t low, high;
};

/* Loads four of `x` and brings them to the common scale, with 20 bits of fraction; `constants` is
 * the offset of its struct dtmm_mve_scale. */
#define DTMM_MVE_OPERAND(x, constants)                                                             \
    "   vldrb.s32 %q[" x "], [%[at_" x "], %q[offsets_" x "]]\n"                                   \
    "   add %[at_" x "], %[at_" x "], %[step_" x "]\n"                                             \
    "   ldrd %[r0], %[r1], [%[scales], #" constants "]\n"                                          \
    "   vsub.i32 %q[" x "], %q[" x "], %[r0]\n"                                                    \
    "   vshl.i32 %q[" x "], %q[" x "], #20\n"                                                      \
    "   vqrdmulh.s32 %q[" x "], %q[" x "], %[r1]\n"                                                \
    "   ldrd %[r0], %[r1], [%[scales], #" constants " + 8]\n"                                      \
    "   vshr.s32 %q[t], %q[" x "], #31\n"                                                          \
    "   vmla.s32 %q[" x "], %q[t], %[r0]\n"                                                        \
    "   vrshl.s32 %q[" x "], %[r1]\n"

static inline struct dtmm_mve_add dtmm_mve_add_scales(const struct dtmm_add *p)
{
    return (struct dtmm_mve_add){
        dtmm_mve_scale(p->zero_point_a, p->multiplier_a, p->shift_a),
        dtmm_mve_scale(p->zero_point_b, p->multiplier_b, p->shift_b),
        dtmm_mve_scale(p->output_zero_point, p->multiplier_output, p->shift_output),
        vdupq_n_s32(p->output_min), vdupq_n_s32(p->output_max)};
}

/* One row of add (sign 1) or sub (sign -1). */
static inline void dtmm_mve_add_row(const struct dtmm_add *p, const struct dtmm_mve_add *scales,
                                    const int8_t *at_a, const int8_t *at_b, int8_t *out,
                                    int32_t sign)
{
    int32_t n_elements = p->dims[3], shift_output = scales->output.shift;
    int32_t first_step = 4 * p->stride_a[3], second_step = 4 * p->stride_b[3];
    int32_t rounds_output = scales->output.rounds;
    int32x4_t low = scales->low, high = scales->high, a, b, t;
    uint32x4_t offsets_a = dtmm_mve_offsets(p->stride_a[3]);
    uint32x4_t offsets_b = dtmm_mve_offsets(p->stride_b[3]);
    /* Without optimization GCC finds registers for so many operands only if they are named; r7 may
     * be the frame pointer. */
    register int32_t n __asm__("r0") = n_elements;
    register int32_t r1 __asm__("r1");
    register const int8_t *from_a __asm__("r2") = at_a;
    register const int8_t *from_b __asm__("r3") = at_b;
    register int8_t *to __asm__("r4") = out;
    register const struct dtmm_mve_add *all __asm__("r5") = scales;
    register int32_t step_a __asm__("r6") = first_step;
    register int32_t step_b __asm__("r8") = second_step;
    register int32_t rounds __asm__("r9") = rounds_output;
    register int32_t shift __asm__("r10") = shift_output;
    register int32_t factor __asm__("r12") = sign;
    __asm__ volatile(
        "   dlstp.32 lr, %[r0]\n"
        "1:\n" DTMM_MVE_OPERAND("a", "0")
            DTMM_MVE_OPERAND("b", "16") "   ldrd %[r0], %[r1], [%[scales], #32]\n"
                                        "   vmla.s32 %q[a], %q[b], %[sign]\n"
                                        "   vqrdmulh.s32 %q[a], %q[a], %[r1]\n"
                                        "   vshr.s32 %q[t], %q[a], #31\n"
                                        "   vmla.s32 %q[a], %q[t], %[rounds]\n"
                                        "   vrshl.s32 %q[a], %[shift]\n"
                                        "   vadd.i32 %q[a], %q[a], %[r0]\n"
                                        "   vmax.s32 %q[a], %q[a], %q[low]\n"
                                        "   vmin.s32 %q[a], %q[a], %q[high]\n"
                                        "   vstrb.32 %q[a], [%[out]], #4\n"
                                        "   letp lr, 1b\n"
        : [at_a] "+r"(from_a), [at_b] "+r"(from_b), [out] "+l"(to), [r0] "+r"(n), [r1] "=&r"(r1),
          [a] "=&w"(a), [b] "=&w"(b), [t] "=&w"(t)
        : [scales] "r"(all), [step_a] "r"(step_a), [step_b] "r"(step_b), [offsets_a] "w"(offsets_a),
          [offsets_b] "w"(offsets_b), [low] "w"(low), [high] "w"(high), [rounds] "r"(rounds),
          [shift] "r"(shift), [sign] "r"(factor)
        : "lr", "memory");
}

/* All rows. */
static inline void dtmm_mve_add_rows(const struct dtmm_add *p, const int8_t *a, const int8_t *b,
                                     int8_t *out, int32_t sign)
{
    struct dtmm_mve_add scales = dtmm_mve_add_scales(p);
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++, out += p->dims[3])
                dtmm_mve_add_row(p, &scales, a + dtmm_row_offset(p->stride_a, i, j, k),
                                 b + dtmm_row_offset(p->stride_b, i, j, k), out, sign);
}

#endif
