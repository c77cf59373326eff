/* SPDX-License-Identifier: Apache-2.0 */
/* Neighboring dimensions of a kind, kept or reduced, become one. Where the innermost is kept, its
 * elements are the lanes; where it is reduced, its sum runs across the lanes. */
#include "mean_rules.h"
#include "requantize.h"

/* Adds `run` positions, `step` apart, to the sums of up to 4 neighboring elements. */
static inline int32x4_t add_lanes(int32x4_t sums, const int8_t *in, struct dtmm_mve_extent run,
                                  int32_t n_lanes)
{
    int32x4_t x;
    __asm__ volatile("   vctp.32 %[lanes]\n"
                     "   dls lr, %[n]\n"
                     "1: vpst\n"
                     "   vldrbt.s32 %q[x], [%[in]]\n"
                     "   add %[in], %[in], %[step]\n"
                     "   vadd.i32 %q[sums], %q[sums], %q[x]\n"
                     "   le lr, 1b\n"
                     : [in] "+l"(in), [sums] "+w"(sums), [x] "=&w"(x)
                     : [n] "r"(run.n), [step] "r"(run.stride), [lanes] "r"(n_lanes)
                     : "lr", "memory");
    return sums;
}

/* The sum of n elements in a row. */
static inline int32_t sum_across(const int8_t *in, int32_t n)
{
    int32_t sum = 0;
    int8x16_t x;
    __asm__ volatile("   dlstp.8 lr, %[n]\n"
                     "1: vldrb.u8 %q[x], [%[in]], #16\n"
                     "   vaddva.s8 %[sum], %q[x]\n"
                     "   letp lr, 1b\n"
                     : [in] "+r"(in), [sum] "+Te"(sum), [x] "=&w"(x)
                     : [n] "r"(n)
                     : "lr", "memory");
    return sum;
}

/* The sums of up to 4 outputs; `in` is where the first starts. */
static int32x4_t sum_outputs(const struct dtmm_mve_mean *shape, const int8_t *in, int32_t n_lanes)
{
    int32x4_t sums = vdupq_n_s32(0);
    const struct dtmm_mve_extent *reduced = shape->reduced;
    for (int32_t i = 0; i < reduced[2].n; i++)
        for (int32_t j = 0; j < reduced[1].n; j++) {
            const int8_t *at = in + i * reduced[2].stride + j * reduced[1].stride;
            if (shape->inner_is_kept)
                sums = add_lanes(sums, at, reduced[0], n_lanes);
            else
                sums = vaddq_n_s32(sums, sum_across(at, reduced[0].n));
        }
    return sums;
}

void dtmm_mean_s8_mve(const struct dtmm_mean *p, const void *input, void *output)
{
    struct dtmm_mve_mean shape = dtmm_mve_mean(p);
    const struct dtmm_mve_extent *kept = shape.kept;
    int32_t n_lanes = shape.inner_is_kept ? 4 : 1;
    int32x4_t multiplier = vdupq_n_s32(p->multiplier), shift = vdupq_n_s32(p->shift);
    int8_t *out = output;
    for (int32_t i = 0; i < kept[2].n; i++)
        for (int32_t j = 0; j < kept[1].n; j++) {
            const int8_t *in = (const int8_t *)input + i * kept[2].stride + j * kept[1].stride;
            for (int32_t k = 0; k < kept[0].n; k += n_lanes) {
                int32_t n = kept[0].n - k < n_lanes ? kept[0].n - k : n_lanes;
                int32x4_t sums = sum_outputs(&shape, in + k * kept[0].stride, n);
                sums = vaddq_n_s32(sums, -p->input_zero_point * p->count);
                sums = dtmm_mve_requantize(sums, multiplier, shift);
                sums = dtmm_mve_clamp(sums, p->output_zero_point, INT8_MIN, INT8_MAX);
                vstrbq_p_s32(out, sums, vctp32q(dtmm_mve_behind(n)));
                out += n;
            }
        }
}
