/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of up to 256 positions fit 16 bits; larger windows take 32. */
#include "pool.h"

/* Division by the number of positions, rounded half away from zero. */
struct divisor {
    uint32_t half, inverse; /* count / 2; 2^32 / count, rounded up */
};

/* x / count, rounded: the inverse is exact because |x| * count < 2^32 (see average_small). */
static inline int16x8_t divide(int16x8_t x, struct divisor by)
{
    uint16x8_t magnitude = vaddq_n_u16(vreinterpretq_u16_s16(vabsq_s16(x)), (uint16_t)by.half);
    uint32x4_t even = vmovlbq_u16(magnitude), odd = vmovltq_u16(magnitude);
    uint32x4_t inverse = vdupq_n_u32(by.inverse);
    even = vmulhq_u32(even, inverse);
    odd = vmulhq_u32(odd, inverse);
    uint16x8_t quotient = vmovntq_u32(vreinterpretq_u16_u32(even), odd);
    int16x8_t sign = vshrq_n_s16(x, 15);
    return vsubq_s16(veorq_s16(vreinterpretq_s16_u16(quotient), sign), sign);
}

/* Sums of up to 8 channels. */
static inline int16x8_t sum_8(struct dtmm_mve_pool_window window, int32_t n_channels)
{
    int16x8_t sum = vdupq_n_s16(0), x;
    __asm__ volatile("   vctp.16 %[n]\n" DTMM_MVE_POOL_LOOP("   vpst\n"
                                                            "   vldrbt.s16 %q[x], [%[at]]\n"
                                                            "   vadd.i16 %q[sum], %q[sum], %q[x]\n")
                     : DTMM_MVE_POOL_STATE(window), [sum] "+w"(sum), [x] "=&w"(x)
                     : DTMM_MVE_POOL_CONSTANTS(window), [n] "r"(n_channels)
                     : "lr", "cc", "memory");
    return sum;
}

/* 2 to 256 positions: |sum| + count / 2 is less than 2^16, and that times the count less than
 * 2^32. */
static inline void average_small(const struct dtmm_pool_2d *p, struct dtmm_mve_pool_window window,
                                 int32_t count, int8_t *out)
{
    struct divisor by = {(uint32_t)count / 2, UINT32_MAX / (uint32_t)count + 1};
    int16x8_t low = vdupq_n_s16(p->output_min), high = vdupq_n_s16(p->output_max);
    for (int32_t c = 0; c < p->channels; c += 8, window.first += 8) {
        int16x8_t mean = divide(sum_8(window, p->channels - c), by);
        mean = vminq_s16(vmaxq_s16(mean, low), high);
        vstrbq_p_s16(out + c, mean, vctp16q(dtmm_mve_behind(p->channels - c)));
    }
}

/* Any number of positions. */
static void average_any(const struct dtmm_pool_2d *p, struct dtmm_mve_pool_window window,
                        int32_t count, int8_t *out)
{
    for (int32_t c = 0; c < p->channels; c++) {
        const int8_t *at = window.first + c;
        int32_t sum = 0;
        for (int32_t y = 0; y < window.rows; y++, at += window.skip)
            for (int32_t x = 0; x < window.columns; x++, at += window.step)
                sum += *at;
        sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
        out[c] = dtmm_clamp(sum, 0, p->output_min, p->output_max);
    }
}

void dtmm_average_pool_2d_s8_mve(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++)
        for (int32_t ox = 0; ox < p->output_w; ox++, out += p->channels) {
            struct dtmm_mve_pool_window window = dtmm_mve_pool_window(p, input, oy, ox);
            int32_t count = window.rows * window.columns;
            if (count >= 2 && count <= 256)
                average_small(p, window, count, out);
            else
                average_any(p, window, count, out);
        }
}
