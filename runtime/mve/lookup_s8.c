/* SPDX-License-Identifier: Apache-2.0 */
#include <arm_mve.h>

#include "../dtmm.h"

void dtmm_lookup_s8_mve(const struct dtmm_lookup *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    int8x16_t x, y;
    /* -128 .. 127 become the unsigned offsets 0 .. 255 */
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.u8 %q[x], [%[in]], #16\n"
                     "   veor %q[x], %q[x], %q[top]\n"
                     "   vldrb.u8 %q[y], [%[table], %q[x]]\n"
                     "   vstrb.8 %q[y], [%[out]], #16\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [in] "+r"(in), [out] "+r"(out), [x] "=&w"(x), [y] "=&w"(y)
                     : [n] "r"(p->n), [table] "r"(p->table), [top] "w"(vdupq_n_s8(-128))
                     : "lr", "memory");
}
