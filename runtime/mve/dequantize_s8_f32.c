/* SPDX-License-Identifier: Apache-2.0 */
#include <arm_mve.h>

#include "../dtmm.h"

void dtmm_dequantize_s8_f32_mve(const struct dtmm_quantize *p, const void *input, void *output)
{
    const int8_t *in = input;
    float *out = output;
    int32x4_t x;
    __asm__ volatile(
        "   wlstp.32 lr, %[n], 2f\n"
        "1: vldrb.s32 %q[x], [%[in]], #4\n"
        "   vsub.i32 %q[x], %q[x], %[zero_point]\n"
        "   vcvt.f32.s32 %q[x], %q[x]\n"
        "   vmul.f32 %q[x], %q[x], %[scale]\n"
        "   vstrw.32 %q[x], [%[out]], #16\n"
        "   letp lr, 1b\n"
        "2:\n"
        : [in] "+l"(in), [out] "+r"(out), [x] "=&w"(x)
        : [n] "r"(p->n), [zero_point] "r"((int32_t)p->zero_point), [scale] "r"(p->scale)
        : "lr", "memory");
}
