/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d.h"
#include "vector.h"

/* Four channels, in an .irp over the units i of a byte of the mask. */
#define DOT_4                                                                                      \
    DTMM_RV32_DOT_1("4*\\i", "0")                                                                  \
    DTMM_RV32_DOT_1("4*\\i+1", "1") DTMM_RV32_DOT_1("4*\\i+2", "2") DTMM_RV32_DOT_1("4*\\i+3", "3")

/* The sum over a filter's kept units of four channels. `mask` has a bit a unit, and 0 behind the
 * last one; *w moves behind the filter. */
static __attribute__((noinline)) int32_t dot_kept(const int8_t *x, const int8_t **w,
                                                  const uint8_t *mask, const uint8_t *mask_end)
{
    int32_t sum = 0, a, b, bits;
    const int8_t *weights = *w;
    __asm__ volatile("1: lbu %[bits],0(%[mask])\n addi %[mask],%[mask],1\n"
                     ".irp i,0,1,2,3,4,5,6,7\n andi %[a],%[bits],1<<\\i\n beqz %[a],2f\n"
                     /* four channels */
                     DOT_4 "addi %[w],%[w],4\n 2:\n .endr\n"
                     "addi %[x],%[x],32\n bne %[mask],%[end],1b\n"
                     : [s] "+r"(sum), [x] "+r"(x), [w] "+r"(weights), [mask] "+r"(mask),
                       [bits] "=&r"(bits), [a] "=&r"(a), [b] "=&r"(b)
                     : [end] "r"(mask_end)
                     : "memory");
    *w = weights;
    return sum;
}

/* Each of the low bits twice: 8 bits to 16, 16 to 32. */
static uint32_t double_bits(uint32_t x)
{
    x = (x | x << 8) & 0x00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f;
    x = (x | x << 2) & 0x33333333;
    x = (x | x << 1) & 0x55555555;
    return x * 3;
}

/* The filter's mask with a bit for each four channels; `per_unit` is 1, 2 or 4. The bits behind the
 * last unit become 0. */
static void expand_mask(const uint8_t *mask, int32_t n_units, int32_t per_unit, uint8_t *to)
{
    for (; n_units > 0; n_units -= 8) {
        uint32_t bits = *mask++;
        if (n_units < 8)
            bits &= (1u << n_units) - 1;
        if (per_unit > 1)
            bits = double_bits(bits);
        if (per_unit > 2)
            bits = double_bits(bits);
        for (int32_t left = n_units < 8 ? n_units * per_unit : 8 * per_unit; left > 0; left -= 8) {
            *to++ = (uint8_t)bits;
            bits >>= 8;
        }
    }
}

/* The sum over units of any size; moves *weights behind the filter. */
static int32_t sum_units(const struct dtmm_conv_2d *p, const uint8_t *mask, const int8_t *x,
                         const int8_t **weights)
{
    int32_t sum = 0;
    for (int32_t i = 0, unit = 0; i < p->input_channels; i += p->block, unit++) {
        int32_t left = p->input_channels - i, n = left < p->block ? left : p->block;
        if (!(mask[unit >> 3] >> (unit & 7) & 1))
            continue;
        sum += dtmm_rv32_dot(x + i, *weights, n);
        *weights += n;
    }
    return sum;
}

/* The output is one pixel, of one input pixel. */
static void convolve_pixel(const struct dtmm_conv_2d *p, const int8_t *x, int8_t *out,
                           uint8_t *fours)
{
    int32_t n_units = (p->input_channels + p->block - 1) / p->block;
    int32_t per_unit = dtmm_rv32_fours_per_unit(p);
    int is_direct = per_unit == 1 && !(n_units & 7); /* the mask is what the sum needs */
    uint8_t *fours_end = fours + ((n_units * per_unit + 7) >> 3);
    const uint8_t *mask = p->mask;
    const int8_t *weights = p->weights;
    for (int32_t o = 0; o < p->output_channels; o++, mask += (n_units + 7) >> 3) {
        int32_t sum = p->bias[o];
        if (is_direct) {
            sum += dot_kept(x, &weights, mask, mask + (n_units >> 3));
        } else if (per_unit) {
            expand_mask(mask, n_units, per_unit, fours);
            sum += dot_kept(x, &weights, fours, fours_end);
        } else {
            sum += sum_units(p, mask, x, &weights);
        }
        *out++ = dtmm_rv32_finish(sum, p->multiplier[o], p->shift[o], p->output_zero_point,
                                  p->output_min, p->output_max);
    }
}

void dtmm_conv_2d_fwcs_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                               void *scratch)
{
    if (dtmm_rv32_is_vector(p))
        convolve_pixel(p, input, output, scratch);
    else
        dtmm_rv32_convolve(p, input, output, scratch, 1);
}
