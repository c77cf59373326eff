/* SPDX-License-Identifier: Apache-2.0 */
/* A single pixel of output, 1x1: what fully_connected is. Each filter's sum first, then the outputs
 * four at a time. */
#include "conv_2d_single.h"
#include "nibbles.h"

/* A filter's sum so far, its mask and its weights. */
struct cursor {
    int32_t sum;
    const uint8_t *mask;
    const int8_t *weights;
};

/* All of the input. */
static inline void sum_whole(struct cursor *cursor, const int8_t *input, int32_t n)
{
    const int8_t *weights = cursor->weights;
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.u8 q0, [%[x]], #16\n"
                     "   vldrb.u8 q1, [%[w]], #16\n"
                     "   vmladava.s8 %[sum], q0, q1\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [sum] "+Te"(cursor->sum), [x] "+r"(input), [w] "+r"(weights)
                     : [n] "r"(n)
                     : "q0", "q1", "lr", "memory");
    cursor->weights += n;
}

/* Units of 8 or 16 (1 << shift) inputs of which 8 a byte of the mask tells: one by one. */
static inline void sum_units(struct cursor *cursor, const int8_t *input, int32_t n_bytes,
                             int32_t shift)
{
    uint32_t bits, unit, at;
    __asm__ volatile(
        "   vctp.8 %[size]\n"
        "1: ldrb %[bits], [%[mask]], #1\n"
        "   rbit %[bits], %[bits]\n"
        "   cmp %[bits], #0\n"
        "   beq 3f\n"
        "2: clz %[at], %[bits]\n"
        "   lsr %[unit], %[top], %[at]\n"
        "   lsl %[at], %[at], %[shift]\n"
        "   add %[at], %[at], %[x]\n"
        "   bics %[bits], %[bits], %[unit]\n"
        "   vpstt\n"
        "   vldrbt.u8 q0, [%[at]]\n"
        "   vldrbt.u8 q1, [%[w]]\n"
        "   vmladava.s8 %[sum], q0, q1\n"
        "   add %[w], %[w], %[size]\n"
        "   bne 2b\n"
        "3: add %[x], %[x], %[size], lsl #3\n"
        "   subs %[n], %[n], #1\n"
        "   bne 1b\n"
        : [sum] "+Te"(cursor->sum), [mask] "+r"(cursor->mask), [w] "+r"(cursor->weights),
          [x] "+r"(input), [n] "+r"(n_bytes), [bits] "=&r"(bits), [unit] "=&r"(unit), [at] "=&r"(at)
        : [top] "r"(UINT32_C(1) << 31), [shift] "r"(shift), [size] "r"(1 << shift)
        : "q0", "q1", "cc", "memory");
}

#define NIBBLE(end)                                                                                \
    "   ands %[at], %[bits], #15\n"                                                                \
    "   beq " end "f\n"                                                                            \
    "   add %[n_kept], %[set], %[at], lsl #2\n"                                                    \
    "   vldrb.u32 q2, [%[n_kept]]\n"                                                               \
    "   vldrw.u32 q0, [%[x], q2, uxtw #2]\n"                                                       \
    "   ldrb %[n_kept], [%[counts], %[at]]\n"                                                      \
    "   lsl %[n_kept], %[n_kept], #2\n"                                                            \
    "   vctp.8 %[n_kept]\n"                                                                        \
    "   vpst\n"                                                                                    \
    "   vldrbt.u8 q1, [%[w]]\n"                                                                    \
    "   vmladava.s8 %[sum], q0, q1\n"                                                              \
    "   add %[w], %[w], %[n_kept]\n" end ": add %[x], %[x], #16\n"

/* Units of 4 inputs, four at a time: a gather load fetches the inputs of those kept. The input is
 * aligned to 4 bytes and readable up to a multiple of 32. */
static inline void sum_quads(struct cursor *cursor, const int8_t *input, int32_t n_bytes)
{
    uint32_t bits, at, n_kept;
    __asm__ volatile("1: ldrb %[bits], [%[mask]], #1\n" NIBBLE(
                         "2") "   lsr %[bits], %[bits], #4\n" NIBBLE("3") "   subs %[n], %[n], #1\n"
                                                                          "   bne 1b\n"
                     : [sum] "+Te"(cursor->sum), [mask] "+r"(cursor->mask),
                       [w] "+r"(cursor->weights), [x] "+r"(input), [n] "+r"(n_bytes),
                       [bits] "=&r"(bits), [at] "=&r"(at), [n_kept] "=&l"(n_kept)
                     : [set] "r"(&dtmm_mve_nibbles.set), [counts] "r"(&dtmm_mve_nibbles.n)
                     : "q0", "q1", "q2", "cc", "memory");
}

void dtmm_conv_2d_fwcs_single_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                                     void *scratch)
{
    int32_t *sums = scratch, channels = p->input_channels;
    int32_t mask_bytes = ((channels + p->block - 1) / p->block + 7) >> 3;
    const int8_t *in = input;
    if (p->block == 4) {
        int8_t *aligned = (int8_t *)(sums + p->output_channels);
        dtmm_mve_align_input(in, channels, aligned);
        in = aligned;
    }
    struct cursor cursor = {0, p->mask, p->weights};
    for (int32_t o = 0; o < p->output_channels; o++) {
        cursor.sum = p->bias[o];
        if (p->block >= channels) {
            if (*cursor.mask++ & 1)
                sum_whole(&cursor, in, channels);
        } else if (p->block == 4) {
            sum_quads(&cursor, in, mask_bytes);
        } else {
            sum_units(&cursor, in, mask_bytes, p->block == 8 ? 3 : 4);
        }
        sums[o] = cursor.sum;
    }
    dtmm_mve_finish_sums(p, sums, output);
}
