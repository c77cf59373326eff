/* SPDX-License-Identifier: Apache-2.0 */
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

/* The same for units of `block` channels, a multiple of eight. */
static __attribute__((noinline)) int32_t dot_kept_eights(const int8_t *x, const int8_t **w,
                                                         const uint8_t *mask,
                                                         const uint8_t *mask_end, int32_t block)
{
    int32_t sum = 0, a, b, bits;
    const int8_t *weights = *w, *unit_end;
    __asm__ volatile(
        "1: lbu %[bits],0(%[mask])\n addi %[mask],%[mask],1\n"
        ".irp i,0,1,2,3,4,5,6,7\n andi %[a],%[bits],1<<\\i\n"
        "add %[unit_end],%[x],%[block]\n beqz %[a],3f\n"
        "2:\n .irp k,0,1,2,3,4,5,6,7\n" DTMM_RV32_DOT_1(
            "\\k", "\\k") ".endr\n"
                          "addi %[x],%[x],8\n addi %[w],%[w],8\n bne %[x],%[unit_end],2b\n"
                          "3: mv %[x],%[unit_end]\n .endr\n"
                          "bne %[mask],%[end],1b\n"
        : [s] "+r"(sum), [x] "+r"(x), [w] "+r"(weights), [mask] "+r"(mask), [bits] "=&r"(bits),
          [a] "=&r"(a), [b] "=&r"(b), [unit_end] "=&r"(unit_end)
        : [end] "r"(mask_end), [block] "r"(block)
        : "memory");
    *w = weights;
    return sum;
}

/* The sum over units of any size, from number `unit` on. */
static int32_t sum_units(const struct dtmm_conv_2d *p, const uint8_t *mask, const int8_t *x,
                         const int8_t **weights, int32_t unit)
{
    int32_t sum = 0;
    for (int32_t i = unit * p->block; i < p->input_channels; i += p->block, unit++) {
        int32_t left = p->input_channels - i, n = left < p->block ? left : p->block;
        if (!(mask[unit >> 3] >> (unit & 7) & 1))
            continue;
        sum += dtmm_rv32_dot(x + i, *weights, n);
        *weights += n;
    }
    return sum;
}

/* The sum of one filter; moves *weights behind it. */
static int32_t sum_filter(const struct dtmm_conv_2d *p, const uint8_t *mask, const int8_t *x,
                          const int8_t **weights)
{
    int32_t n_bytes = p->input_channels / p->block >> 3, sum = 0; /* of whole units */
    if (p->block == 4 && n_bytes)
        sum = dot_kept(x, weights, mask, mask + n_bytes);
    else if (p->block % 8 == 0 && n_bytes)
        sum = dot_kept_eights(x, weights, mask, mask + n_bytes, p->block);
    else
        n_bytes = 0;
    if (n_bytes * 8 * p->block < p->input_channels)
        sum += sum_units(p, mask, x, weights, n_bytes * 8);
    return sum;
}

/* The output is one pixel, of one input pixel; filters have several units. */
static void convolve_pixel(const struct dtmm_conv_2d *p, const int8_t *x, int8_t *out)
{
    int32_t mask_bytes = ((p->input_channels + p->block - 1) / p->block + 7) >> 3;
    const uint8_t *mask = p->mask;
    const int8_t *weights = p->weights;
    for (int32_t o = 0; o < p->output_channels; o++, mask += mask_bytes) {
        int32_t sum = p->bias[o] + sum_filter(p, mask, x, &weights);
        *out++ = dtmm_rv32_finish(sum, p->multiplier[o], p->shift[o], p->output_zero_point,
                                  p->output_min, p->output_max);
    }
}

/* The same where a filter is one unit: eight kept filters at a time. */
static void convolve_pixel_whole(const struct dtmm_conv_2d *p, const int8_t *x, int8_t *out,
                                 struct dtmm_rv32_vector *vector)
{
    dtmm_rv32_vector_init(vector, x, p->input_channels, p->weights);
    int32_t n_filters = p->output_channels, first = 0;
    while (first < n_filters) {
        int32_t end = first, n_kept = 0, k = 0;
        for (; end < n_filters && n_kept < DTMM_RV32_FILTERS; end++)
            n_kept += p->mask[end] & 1;
        dtmm_rv32_dot_filters(vector, n_kept);
        vector->weights += n_kept * p->input_channels;
        for (; first < end; first++) {
            int32_t sum = p->bias[first] + (p->mask[first] & 1 ? vector->sums[k++] : 0);
            out[first] = dtmm_rv32_finish(sum, p->multiplier[first], p->shift[first],
                                          p->output_zero_point, p->output_min, p->output_max);
        }
    }
}

void dtmm_conv_2d_fwcs_vector_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                                      void *scratch)
{
    if (p->block < p->input_channels)
        convolve_pixel(p, input, output);
    else
        convolve_pixel_whole(p, input, output, scratch);
}
