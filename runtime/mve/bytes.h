/* SPDX-License-Identifier: Apache-2.0 */
/* Copying and filling of n bytes, n >= 0. */
#ifndef DTMM_MVE_BYTES_H
#define DTMM_MVE_BYTES_H

#include <arm_mve.h>

static inline void dtmm_mve_copy(int8_t *to, const int8_t *from, int32_t n)
{
    int8x16_t x;
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.u8 %q[x], [%[from]], #16\n"
                     "   vstrb.8 %q[x], [%[to]], #16\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [from] "+r"(from), [to] "+r"(to), [x] "=&w"(x)
                     : [n] "r"(n)
                     : "lr", "memory");
}

static inline void dtmm_mve_set(int8_t *to, int8_t value, int32_t n)
{
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vstrb.8 %q[x], [%[to]], #16\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [to] "+r"(to)
                     : [n] "r"(n), [x] "w"(vdupq_n_s8(value))
                     : "lr", "memory");
}

#endif
