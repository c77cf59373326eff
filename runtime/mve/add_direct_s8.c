/* SPDX-License-Identifier: Apache-2.0 */
/* Eight elements at a time: even and odd ones in vectors of their own while they have 32 bits. */
#include <arm_mve.h>

#include "add_rules.h"

/* Moves the values to the top of 32 bits, sums, and comes back to 8 bits by way of 16,
 * which saturate where int8 does. PREDICATE precedes loads and store. */
#define EIGHT(PREDICATE, T)                                                                        \
    PREDICATE                                                                                      \
    "   vldrb" T ".s16 %q[a], [%[at_a]], #8\n" PREDICATE "   vldrb" T                              \
    ".s16 %q[b], [%[at_b]], #8\n"                                                                  \
    "   vshl.i16 %q[a], %q[a], #8\n"                                                               \
    "   vshl.i16 %q[b], %q[b], #8\n"                                                               \
    "   vshllb.s16 %q[x], %q[a], #16\n"                                                            \
    "   vshllt.s16 %q[a], %q[a], #16\n"                                                            \
    "   vshllb.s16 %q[y], %q[b], #16\n"                                                            \
    "   vshllt.s16 %q[b], %q[b], #16\n"                                                            \
    "   vqrdmlash.s32 %q[x], %q[multiplier_a], %[offset]\n"                                        \
    "   vqrdmlash.s32 %q[a], %q[multiplier_a], %[offset]\n"                                        \
    "   vqrdmlah.s32 %q[x], %q[y], %[multiplier_b]\n"                                              \
    "   vqrdmlah.s32 %q[a], %q[b], %[multiplier_b]\n"                                              \
    "   vqrshrnb.s32 %q[x], %q[x], #14\n"                                                          \
    "   vqrshrnt.s32 %q[x], %q[a], #14\n"                                                          \
    "   vshr.s16 %q[x], %q[x], #8\n"                                                               \
    "   vmax.s16 %q[x], %q[x], %q[low]\n"                                                          \
    "   vmin.s16 %q[x], %q[x], %q[high]\n" PREDICATE "   vstrb" T ".16 %q[x], [%[out]], #8\n"

void dtmm_add_direct_s8_mve(const struct dtmm_add *p, const void *input_a, const void *input_b,
                            void *output)
{
    const int8_t *at_a = input_a, *at_b = input_b;
    int8_t *out = output;
    struct dtmm_mve_add_direct direct = dtmm_mve_add_direct(p);
    int32x4_t a, b, x, y;
    __asm__ volatile("   wls lr, %[eights], 2f\n"
                     "1:\n" EIGHT("", "") "   le lr, 1b\n"
                                          "2: vctp.16 %[rest]\n" EIGHT("   vpst\n", "t")
                     : [at_a] "+l"(at_a), [at_b] "+l"(at_b), [out] "+l"(out), [a] "=&w"(a),
                       [b] "=&w"(b), [x] "=&w"(x), [y] "=&w"(y)
                     : [eights] "r"(p->dims[3] / 8), [rest] "r"(p->dims[3] % 8),
                       [multiplier_a] "w"(vdupq_n_s32(direct.multiplier_a)),
                       [multiplier_b] "r"(direct.multiplier_b), [offset] "r"(direct.offset),
                       [low] "w"(vdupq_n_s16(p->output_min)), [high] "w"(vdupq_n_s16(p->output_max))
                     : "lr", "memory");
}
