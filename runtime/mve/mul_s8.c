/* SPDX-License-Identifier: Apache-2.0 */
#include "elementwise.h"

/* Constants of the layer; left >= 0 >= right, rounds is 1 where right is not 0. */
struct scale {
    int32_t left, multiplier, rounds, right; /* read by offset: 0 to 12 */
    int32_t zero_point_a, zero_point_b;      /* 16, 20 */
    int32_t zero_point;
    int32x4_t low, high;
};

static inline void row_run(const struct dtmm_mul *p, const struct scale *scale, const int8_t *a,
                           const int8_t *b, int8_t *out)
{
    int32_t n = p->dims[3], r1;
    int32x4_t x, y;
    __asm__ volatile(
        "   dlstp.32 lr, %[r0]\n"
        "1: vldrb.s32 %q[x], [%[a], %q[offsets_a]]\n"
        "   add %[a], %[a], %[step_a]\n"
        "   vldrb.s32 %q[y], [%[b], %q[offsets_b]]\n"
        "   add %[b], %[b], %[step_b]\n"
        "   ldrd %[r0], %[r1], [%[scale], #16]\n"
        "   vsub.i32 %q[x], %q[x], %[r0]\n"
        "   vsub.i32 %q[y], %q[y], %[r1]\n"
        "   ldrd %[r0], %[r1], [%[scale], #0]\n"
        "   vmul.i32 %q[x], %q[x], %q[y]\n"
        "   vshl.s32 %q[x], %[r0]\n"
        "   vqrdmulh.s32 %q[x], %q[x], %[r1]\n"
        "   ldrd %[r0], %[r1], [%[scale], #8]\n"
        "   vshr.s32 %q[y], %q[x], #31\n"
        "   vmla.s32 %q[x], %q[y], %[r0]\n"
        "   vrshl.s32 %q[x], %[r1]\n"
        "   vadd.i32 %q[x], %q[x], %[zero_point]\n"
        "   vmax.s32 %q[x], %q[x], %q[low]\n"
        "   vmin.s32 %q[x], %q[x], %q[high]\n"
        "   vstrb.32 %q[x], [%[out]], #4\n"
        "   letp lr, 1b\n"
        : [a] "+r"(a), [b] "+r"(b), [out] "+l"(out), [x] "=&w"(x), [y] "=&w"(y), [r0] "+r"(n),
          [r1] "=&r"(r1)
        : [scale] "r"(scale), [step_a] "r"(4 * p->stride_a[3]), [step_b] "r"(4 * p->stride_b[3]),
          [offsets_a] "w"(dtmm_mve_offsets(p->stride_a[3])),
          [offsets_b] "w"(dtmm_mve_offsets(p->stride_b[3])), [low] "w"(scale->low),
          [high] "w"(scale->high), [zero_point] "r"(scale->zero_point)
        : "lr", "memory");
}

void dtmm_mul_s8_mve(const struct dtmm_mul *p, const void *input_a, const void *input_b,
                     void *output)
{
    const int8_t *a = input_a, *b = input_b;
    int8_t *out = output;
    struct scale scale = {.left = p->shift > 0 ? p->shift : 0,
                          .multiplier = p->multiplier,
                          .rounds = p->shift < 0,
                          .right = p->shift < 0 ? p->shift : 0,
                          .zero_point_a = p->zero_point_a,
                          .zero_point_b = p->zero_point_b,
                          .zero_point = p->output_zero_point,
                          .low = vdupq_n_s32(p->output_min),
                          .high = vdupq_n_s32(p->output_max)};
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++, out += p->dims[3])
                row_run(p, &scale, a + dtmm_row_offset(p->stride_a, i, j, k),
                        b + dtmm_row_offset(p->stride_b, i, j, k), out);
}
