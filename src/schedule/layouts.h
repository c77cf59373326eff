/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of a network whose channels and kernels change: planned once and remembered. */
#ifndef DTMM_SCHEDULE_LAYOUTS_H
#define DTMM_SCHEDULE_LAYOUTS_H

#include "product/layout.h"
#include "product/packed.h"
#include "schedule/space.h"

struct layouts;

struct layouts *layouts_make(const struct space *space);
void layouts_free(struct layouts *layouts);

/* What plan(), or with `is_exact` 0 plan_least(), says of space->graph with the channels that the
 * candidate keeps, lowered to these calls. Read of them: node, kernel, inputs, output,
 * output_offset, scratch_bytes. Valid until layouts_free(). */
enum status layouts_get(struct layouts *layouts, const uint8_t *candidate,
                        const struct packed *packed, int is_exact, const struct layout **layout,
                        struct diag *diag);

/* Bytes of each activation with the channels that the candidate keeps; 0: constants. n_tensors
 * numbers, valid until the next call. */
const size_t *layouts_bytes(struct layouts *layouts, const uint8_t *candidate);

#endif
