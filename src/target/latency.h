/* SPDX-License-Identifier: Apache-2.0 */
/* From instructions to time: an estimate. */
#ifndef DTMM_TARGET_LATENCY_H
#define DTMM_TARGET_LATENCY_H

#include "target/target.h"

/* Instructions that a core retires in a cycle on int8 kernels: a round figure from its pipeline,
 * not a measurement. Flash wait states and caches are not in it. */
double instructions_per_cycle(const struct core *core);

/* Seconds that so many instructions take at the target's clock; 0: it has no clock. */
double latency_seconds(const struct target *target, double instructions);

/* The other way round: the instructions that fit into a time; 0: it has no clock. */
double latency_instructions(const struct target *target, double seconds);

#endif
