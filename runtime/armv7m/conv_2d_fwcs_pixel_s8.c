/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* The units of up to 32 bits of the mask, the first bit's at x; 5 instructions a unit and 3 a
 * weight. */
#define SUM_UNITS(name, shift, block)                                                              \
    static __attribute__((noinline)) int32_t name(uint32_t bits, const int8_t *x,                  \
                                                  const int8_t **weights, int32_t sum)             \
    {                                                                                              \
        const int8_t *w = *weights, *unit;                                                         \
        uint32_t zeros, bit;                                                                       \
        __asm__ volatile("rbit %[bits], %[bits]\n"                                                 \
                         "1:\n\t"                                                                  \
                         "clz %[zeros], %[bits]\n\t"                                               \
                         "lsr %[bit], %[top], %[zeros]\n\t"                                        \
                         "add %[unit], %[x], %[zeros], lsl #" shift "\n\t"                         \
                         ".rept " block "\n\t"                                                     \
                         "ldrsb r12, [%[unit]], #1\n\t"                                            \
                         "ldrsb lr, [%[w]], #1\n\t"                                                \
                         "mla %[sum], r12, lr, %[sum]\n\t"                                         \
                         ".endr\n\t"                                                               \
                         "bics %[bits], %[bits], %[bit]\n\t"                                       \
                         "bne 1b"                                                                  \
                         : [bits] "+r"(bits), [w] "+r"(w), [sum] "+r"(sum), [unit] "=&r"(unit),    \
                           [zeros] "=&r"(zeros), [bit] "=&r"(bit)                                  \
                         : [x] "r"(x), [top] "r"(UINT32_C(1) << 31)                                \
                         : "r12", "lr", "cc", "memory");                                           \
        *weights = w;                                                                              \
        return sum;                                                                                \
    }

SUM_UNITS(sum_units_4, "2", "4")
SUM_UNITS(sum_units_8, "3", "8")
SUM_UNITS(sum_units_16, "4", "16")

void dtmm_conv_2d_fwcs_pixel_s8_armv7m(const struct dtmm_conv_2d *p, const void *input,
                                       void *output, void *scratch)
{
    const int8_t *weights = p->weights;
    const uint8_t *mask = p->mask;
    int8_t *out = output;
    int32_t n_bytes = (p->input_channels / p->block + 7) >> 3, block = p->block;
    (void)scratch;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o];
        const int8_t *x = input;
        for (int32_t i = 0, n; i < n_bytes; i += n, mask += n, x += 8 * n * block) {
            uint32_t bits = mask[0];
            n = 1;
            if (i + 4 <= n_bytes) {
                memcpy(&bits, mask, 4);
                n = 4;
            }
            if (bits == 0)
                continue;
            if (block == 4)
                sum = sum_units_4(bits, x, &weights, sum);
            else if (block == 8)
                sum = sum_units_8(bits, x, &weights, sum);
            else
                sum = sum_units_16(bits, x, &weights, sum);
        }
        sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
        *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}
