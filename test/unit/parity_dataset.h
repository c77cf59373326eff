/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up samples for tests of training. */
#ifndef DTMM_TEST_UNIT_PARITY_DATASET_H
#define DTMM_TEST_UNIT_PARITY_DATASET_H

#include "base/arena.h"
#include "data/dataset.h"

/* `n` samples of four numbers, of two classes: whether an odd count of them is above zero. */
static inline struct dataset parity_dataset(int32_t n, struct arena *arena)
{
    float *samples = ARENA_ARRAY(arena, (size_t)n * 4, float);
    int32_t *labels = ARENA_ARRAY(arena, (size_t)n, int32_t);
    for (int i = 0; i < n * 4; i++) {
        samples[i] = (float)(i * 37 % 17) / 8 - 1;
        labels[i / 4] ^= samples[i] > 0;
    }
    return (struct dataset){.path = "made up",
                            .shape = {2, {1, 4}},
                            .type = SAMPLE_F32,
                            .n_samples = n,
                            .samples = samples,
                            .n_classes = 2,
                            .labels = labels};
}

#endif
