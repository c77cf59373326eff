/* SPDX-License-Identifier: Apache-2.0 */
/* What the depthwise convolutions share: rows of four channels, copied channel by channel as int16,
 * so that one instruction multiplies two taps of a filter. */
#ifndef DTMM_ARMV7EM_DEPTHWISE_H
#define DTMM_ARMV7EM_DEPTHWISE_H

#include "../dtmm.h"
#include "depthwise_rules.h"
#include "dsp.h"
#include "requantize.h"

/* Where the values of a row go: channel c's columns 2 * i and 2 * i + 1 are the halves of the word
 * at to + c * channel_bytes + i * (the bytes from a pair of columns to the next). */
struct dtmm_dsp_row {
    int8_t *to;
    int32_t channel_bytes;
    int32_t first, n; /* columns: where the input starts, and how many of it there are */
};

/* The columns of a row, two at a time, `step` bytes from pair to pair; moves the pointers. */
#define DTMM_DSP_LOAD_PAIRS(step)                                                                  \
    __asm__ volatile(                                                                              \
        "1: ldr %[b], [%[in], %[channels]]\n"                                                      \
        "   ldr %[a], [%[in]]\n"                                                                   \
        "   add %[in], %[in], %[channels], lsl #1\n"                                               \
        "   pkhbt %[t], %[a], %[b], lsl #16\n"                                                     \
        "   pkhtb %[u], %[b], %[a], asr #16\n"                                                     \
        "   sxtb16 %[a], %[t]\n"                                                                   \
        "   sxtb16 %[t], %[t], ror #8\n"                                                           \
        "   sxtb16 %[b], %[u]\n"                                                                   \
        "   sxtb16 %[u], %[u], ror #8\n"                                                           \
        "   str %[a], [%[at0]], #" step "\n"                                                       \
        "   str %[t], [%[at1]], #" step "\n"                                                       \
        "   str %[b], [%[at2]], #" step "\n"                                                       \
        "   str %[u], [%[at3]], #" step "\n"                                                       \
        "   subs %[n], %[n], #1\n"                                                                 \
        "   bne 1b\n"                                                                              \
        : [in] "+&r"(in), [at0] "+&r"(at0), [at1] "+&r"(at1), [at2] "+&r"(at2), [at3] "+&r"(at3),  \
          [n] "+&r"(n_pairs), [a] "=&r"(a), [b] "=&r"(b), [t] "=&r"(t), [u] "=&r"(u)               \
        : [channels] "r"(channels)                                                                 \
        : "cc", "memory")

/* Copies a row of four of `channels` channels; pair_bytes: 4 or DTMM_DSP_PAIR_BYTES. */
static inline void dtmm_dsp_load_row(const struct dtmm_dsp_row *row, const int8_t *in,
                                     int32_t channels, const int pair_bytes)
{
    int8_t *at0 = row->to + row->first / 2 * pair_bytes, *at1 = at0 + row->channel_bytes;
    int8_t *at2 = at1 + row->channel_bytes, *at3 = at2 + row->channel_bytes;
    int32_t n = row->n, n_pairs, a, b, t, u;
    if (n > 0 && row->first % 2) {
        ((int16_t *)(void *)at0)[1] = in[0];
        ((int16_t *)(void *)at1)[1] = in[1];
        ((int16_t *)(void *)at2)[1] = in[2];
        ((int16_t *)(void *)at3)[1] = in[3];
        at0 += pair_bytes;
        at1 += pair_bytes;
        at2 += pair_bytes;
        at3 += pair_bytes;
        in += channels;
        n--;
    }
    n_pairs = n >> 1;
    if (n_pairs > 0 && pair_bytes == 4)
        DTMM_DSP_LOAD_PAIRS("4");
    else if (n_pairs > 0)
        DTMM_DSP_LOAD_PAIRS("12"); /* DTMM_DSP_PAIR_BYTES */
    if (n > 0 && n & 1) {
        *(int16_t *)(void *)at0 = in[0];
        *(int16_t *)(void *)at1 = in[1];
        *(int16_t *)(void *)at2 = in[2];
        *(int16_t *)(void *)at3 = in[3];
    }
}

/* Both halves of a word the same. */
static inline uint32_t dtmm_dsp_twice(int8_t x)
{
    return (uint16_t)x * UINT32_C(0x10001);
}

#endif
