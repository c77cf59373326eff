/* SPDX-License-Identifier: Apache-2.0 */
/* Helium has no division: the scalar unit divides, in the lanes' own registers. VCVTA rounds halves
 * away from zero. What is not a number is a quiet one after the division, for which VMAXNM takes
 * the limit. */
#include <arm_mve.h>

#include "../dtmm.h"

void dtmm_quantize_f32_s8_mve(const struct dtmm_quantize *p, const void *input, void *output)
{
    const float *in = input;
    int8_t *out = output;
    /* outside of +-256 every zero point saturates */
    __asm__ volatile("   wlstp.32 lr, %[n], 2f\n"
                     "1: vldrw.u32 q0, [%[in]], #16\n"
                     "   vdiv.f32 s0, s0, %[scale]\n"
                     "   vdiv.f32 s1, s1, %[scale]\n"
                     "   vdiv.f32 s2, s2, %[scale]\n"
                     "   vdiv.f32 s3, s3, %[scale]\n"
                     "   vmaxnm.f32 q0, q0, %q[low]\n"
                     "   vminnm.f32 q0, q0, %q[high]\n"
                     "   vcvta.s32.f32 q0, q0\n"
                     "   vadd.i32 q0, q0, %[zero_point]\n"
                     "   vqmovnb.s32 q0, q0\n"
                     "   vqmovnb.s16 q0, q0\n"
                     "   vstrb.32 q0, [%[out]], #4\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [in] "+r"(in), [out] "+l"(out)
                     : [n] "r"(p->n), [scale] "t"(p->scale), [low] "w"(vdupq_n_f32(-256.0F)),
                       [high] "w"(vdupq_n_f32(256.0F)), [zero_point] "r"((int32_t)p->zero_point)
                     : "q0", "lr", "memory");
}
