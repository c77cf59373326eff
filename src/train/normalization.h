/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_TRAIN_NORMALIZATION_H
#define DTMM_TRAIN_NORMALIZATION_H

#include <stdint.h>

#include "train/network.h"

/* The graph with the statistics of `n` samples (their inputs back to back) in those batch
 * normalizations that are identities so far (gamma 1, mean 0, variance 1 - epsilon): they subtract
 * the mean and divide by the deviation of what they read, and take both back by gamma and beta. The
 * filters in front of them get the norm that filters have at the start of a training; theirs came
 * from folding, and one that is very short would be turned far by the first steps. The function
 * stays the same but for rounding. */
enum status normalization_measure(const struct graph *graph, const float *samples, int32_t n,
                                  struct arena *arena, struct graph **measured, struct diag *diag);

#endif
