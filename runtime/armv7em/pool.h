/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over positions of four channels, in the halves of two words. Where the channels are no
 * multiple of four, the last four overlap those before. */
#ifndef DTMM_ARMV7EM_POOL_H
#define DTMM_ARMV7EM_POOL_H

#include "../dtmm.h"
#include "dsp.h"
#include "pool_rules.h"

struct dtmm_dsp_sums {
    int32_t even, odd; /* channels 0 and 2, 1 and 3 */
    int32_t n_added;
    int32_t channel[4]; /* what the halves held when they were full */
};

/* Adds n > 0 positions, `step` bytes apart. */
static inline void dtmm_dsp_add_positions(struct dtmm_dsp_sums *sums, const int8_t *at,
                                          int32_t step, int32_t n)
{
    int32_t even = sums->even, odd = sums->odd, a, b;
    __asm__ volatile("   lsrs %[n], %[n], #1\n"
                     "   bcc 1f\n"
                     "   ldr %[a], [%[at]]\n"
                     "   add %[at], %[at], %[step]\n"
                     "   sxtab16 %[even], %[even], %[a]\n"
                     "   sxtab16 %[odd], %[odd], %[a], ror #8\n"
                     "1: cbz %[n], 3f\n"
                     "2: ldr %[a], [%[at]]\n"
                     "   ldr %[b], [%[at], %[step]]\n"
                     "   add %[at], %[at], %[step], lsl #1\n"
                     "   sxtab16 %[even], %[even], %[a]\n"
                     "   sxtab16 %[odd], %[odd], %[a], ror #8\n"
                     "   sxtab16 %[even], %[even], %[b]\n"
                     "   sxtab16 %[odd], %[odd], %[b], ror #8\n"
                     "   subs %[n], %[n], #1\n"
                     "   bne 2b\n"
                     "3:\n"
                     : [n] "+&l"(n), [at] "+&r"(at), [even] "+&r"(even), [odd] "+&r"(odd),
                       [a] "=&r"(a), [b] "=&r"(b)
                     : [step] "r"(step)
                     : "cc", "memory");
    sums->even = even;
    sums->odd = odd;
}

static inline void dtmm_dsp_flush(struct dtmm_dsp_sums *sums)
{
    sums->channel[0] += (int16_t)sums->even;
    sums->channel[1] += (int16_t)sums->odd;
    sums->channel[2] += sums->even >> 16;
    sums->channel[3] += sums->odd >> 16;
    sums->even = sums->odd = 0;
    sums->n_added = 0;
}

/* The same for any n. */
static inline void dtmm_dsp_add_run(struct dtmm_dsp_sums *sums, const int8_t *at, int32_t step,
                                    int32_t n)
{
    while (n > 0) {
        int32_t room = DTMM_DSP_MOST_ADDED - sums->n_added, now = n < room ? n : room;
        dtmm_dsp_add_positions(sums, at, step, now);
        sums->n_added += now;
        if (sums->n_added == DTMM_DSP_MOST_ADDED)
            dtmm_dsp_flush(sums);
        at += now * step;
        n -= now;
    }
}

/* The first channel of the group of four that starts at `c` or overlaps there. */
static inline int32_t dtmm_dsp_group(int32_t c, int32_t channels)
{
    return c < channels - 4 ? c : channels - 4;
}

#endif
