/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

/* The largest values of up to 16 channels. */
static inline int8x16_t window_max(struct dtmm_mve_pool_window window, int32_t n_channels)
{
    int8x16_t max = vdupq_n_s8(INT8_MIN), x;
    __asm__ volatile("   vctp.8 %[n]\n" DTMM_MVE_POOL_LOOP("   vpst\n"
                                                           "   vldrbt.u8 %q[x], [%[at]]\n"
                                                           "   vmax.s8 %q[max], %q[max], %q[x]\n")
                     : DTMM_MVE_POOL_STATE(window), [max] "+w"(max), [x] "=&w"(x)
                     : DTMM_MVE_POOL_CONSTANTS(window), [n] "r"(n_channels)
                     : "lr", "cc", "memory");
    return max;
}

void dtmm_max_pool_2d_s8_mve(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    int8_t *out = output;
    int8x16_t low = vdupq_n_s8(p->output_min), high = vdupq_n_s8(p->output_max);
    for (int32_t oy = 0; oy < p->output_h; oy++)
        for (int32_t ox = 0; ox < p->output_w; ox++, out += p->channels) {
            struct dtmm_mve_pool_window window = dtmm_mve_pool_window(p, input, oy, ox);
            for (int32_t c = 0; c < p->channels; c += 16, window.first += 16) {
                int8x16_t max = window_max(window, p->channels - c);
                max = vminq_s8(vmaxq_s8(max, low), high);
                vstrbq_p_s8(out + c, max, vctp8q(dtmm_mve_behind(p->channels - c)));
            }
        }
}
