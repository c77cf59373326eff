/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization at the end of the convolutions of Helium, in assembly: sums of 8 outputs in q0 and
 * q1 become 16-bit values in q0, q1's in the odd lanes.
 *
 * q5, q6, q7 hold the output's zero point, minimum and maximum in 16 bits. `bias`, `multiplier` and
 * `shift` are registers, one of each for q0 and one for q1. q2 is overwritten. Three forms, all
 * exact where they may be used (dtmm_mve_rounding tells which):
 *   RELU  shifts -31 .. 0, and the minimum is not below the zero point, so that how negative halves
 *         round does not matter
 *   DOWN  shifts -31 .. -1
 *   ANY   shifts -31 .. 30; overwrites r0 as well, which may be none of the others' registers */
#ifndef DTMM_MVE_CONV_2D_H
#define DTMM_MVE_CONV_2D_H

#include <arm_mve.h>

#include "../requantize.h"
#include "conv_2d_rules.h"

#define DTMM_MVE_SCALE_RELU(x, bias, multiplier, shift)                                            \
    "   vadd.i32 " x ", " x ", " bias "\n"                                                         \
    "   vqrdmulh.s32 " x ", " x ", " multiplier "\n"                                               \
    "   vrshl.s32 " x ", " shift "\n"
#define DTMM_MVE_SCALE_DOWN(x, bias, multiplier, shift)                                            \
    "   vadd.i32 " x ", " x ", " bias "\n"                                                         \
    "   vqrdmulh.s32 " x ", " x ", " multiplier "\n"                                               \
    "   vshr.s32 q2, " x ", #31\n"                                                                 \
    "   vadd.i32 " x ", " x ", q2\n"                                                               \
    "   vrshl.s32 " x ", " shift "\n"
#define DTMM_MVE_SCALE_ANY(x, bias, multiplier, shift)                                             \
    "   vadd.i32 " x ", " x ", " bias "\n"                                                         \
    "   bic r0, " shift ", " shift ", asr #31\n" /* to the left */                                 \
    "   vshl.s32 " x ", r0\n"                                                                      \
    "   vqrdmulh.s32 " x ", " x ", " multiplier "\n"                                               \
    "   vshr.s32 q2, " x ", #31\n"                                                                 \
    "   lsr r0, " shift ", #31\n"                                                                  \
    "   vmla.s32 " x ", q2, r0\n"                                                                  \
    "   and r0, " shift ", " shift ", asr #31\n" /* to the right */                                \
    "   vrshl.s32 " x ", r0\n"                                                                     \
    "   vmov.s16 r0, q5[0]\n" /* where the sum with the zero point wraps, as in dtmm_clamp */      \
    "   vadd.i32 " x ", " x ", r0\n"                                                               \
    "   vqsub.s32 " x ", " x ", r0\n"

#define DTMM_MVE_NARROW                                                                            \
    "   vqmovnb.s32 q0, q0\n"                                                                      \
    "   vqmovnt.s32 q0, q1\n"                                                                      \
    "   vqadd.s16 q0, q0, q5\n"                                                                    \
    "   vmax.s16 q0, q0, q6\n"                                                                     \
    "   vmin.s16 q0, q0, q7\n"

#endif
