/* SPDX-License-Identifier: Apache-2.0 */
/* Four outputs at a time share the loads of the input, 16 channels a load. */
#include "../dtmm.h"
#include "requantize.h"

/* The products of n inputs with four rows of weights, each added to its bias. */
static inline int32x4_t dot_four(const int8_t *in, const int8_t *const w[4], int32_t n,
                                 int32x4_t bias)
{
    int32_t a0, a1, a2, a3;
    const int8_t *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
    int32x4_t sums;
    __asm__ volatile(
        "   mov %[a0], #0\n"
        "   mov %[a1], #0\n"
        "   mov %[a2], #0\n"
        "   mov %[a3], #0\n"
        "   dlstp.8 lr, %[n]\n"
        "1: vldrb.u8 q0, [%[in]], #16\n"
        "   vldrb.u8 q1, [%[w0]], #16\n"
        "   vmladava.s8 %[a0], q0, q1\n"
        "   vldrb.u8 q2, [%[w1]], #16\n"
        "   vmladava.s8 %[a1], q0, q2\n"
        "   vldrb.u8 q1, [%[w2]], #16\n"
        "   vmladava.s8 %[a2], q0, q1\n"
        "   vldrb.u8 q2, [%[w3]], #16\n"
        "   vmladava.s8 %[a3], q0, q2\n"
        "   letp lr, 1b\n"
        "   vmov %q[sums][2], %q[sums][0], %[a0], %[a2]\n"
        "   vmov %q[sums][3], %q[sums][1], %[a1], %[a3]\n"
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [in] "+r"(in),
          [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [sums] "=&w"(sums)
        : [n] "r"(n)
        : "q0", "q1", "q2", "lr", "memory");
    return vaddq_s32(sums, bias);
}

static void row_run(const struct dtmm_fully_connected *p, const int8_t *in, int8_t *out)
{
    int32_t n = p->input_channels;
    const int8_t *w = p->weights;
    int32x4_t multiplier = vdupq_n_s32(p->multiplier[0]), shift = vdupq_n_s32(p->shift[0]);
    for (int32_t o = 0; o < p->output_channels; o += 4, w += 4 * n) {
        int32_t left = p->output_channels - o;
        mve_pred16_t tail = vctp32q((uint32_t)left);
        const int8_t *const rows[4] = {w, left > 1 ? w + n : w, left > 2 ? w + 2 * n : w,
                                       left > 3 ? w + 3 * n : w};
        int32x4_t sums = dot_four(in, rows, n, vldrwq_z_s32(p->bias + o, tail));
        if (p->per_channel) {
            multiplier = vldrwq_z_s32(p->multiplier + o, tail);
            shift = vldrbq_z_s32(p->shift + o, tail);
        }
        sums = dtmm_mve_requantize(sums, multiplier, shift);
        sums = dtmm_mve_clamp(sums, p->output_zero_point, p->output_min, p->output_max);
        vstrbq_p_s32(out + o, sums, tail);
    }
}

void dtmm_fully_connected_s8_mve(const struct dtmm_fully_connected *p, const void *input,
                                 void *output, void *scratch)
{
    (void)scratch;
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, in += p->input_channels, out += p->output_channels)
        row_run(p, in, out);
}
