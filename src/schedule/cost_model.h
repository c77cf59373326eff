/* SPDX-License-Identifier: Apache-2.0 */
/* What a candidate costs once it is built, found without building it. */
#ifndef DTMM_SCHEDULE_COST_MODEL_H
#define DTMM_SCHEDULE_COST_MODEL_H

#include "schedule/layouts.h"
#include "schedule/node_costs.h"
#include "schedule/space.h"
#include "target/code.h"

struct prediction {
    size_t flash_bytes;  /* of the linked library: constants, parameters, code */
    size_t code_bytes;   /* of these, kernels and the function that runs the network */
    size_t sram_bytes;   /* arena, scratch memory included */
    double instructions; /* of one inference; negative: the core's costs are not known */
};

struct cost_model;

/* The costs of space's candidates on a core. Release with cost_model_free(). */
enum status cost_model_make(const struct space *space, const struct core *core,
                            struct cost_model **model, struct diag *diag);
void cost_model_free(struct cost_model *model);

/* The cost of a candidate, fitted into `sram_budget` bytes as the driver fits it: exactly what
 * pack, plan and the fitting loop make of the pruned network. Nodes are packed when a candidate
 * first needs them so, then only looked up. */
enum status cost_predict(struct cost_model *model, const uint8_t *candidate, size_t sram_budget,
                         struct prediction *prediction, struct diag *diag);

/* The same with the arena that no layout of the calls undercuts in place of the one that plan()
 * finds. Nearly always they are equal; where not, kernels may be fitted differently. Much faster
 * for deep networks. */
enum status cost_estimate(struct cost_model *model, const uint8_t *candidate, size_t sram_budget,
                          struct prediction *prediction, struct diag *diag);

/* What it looks up, for bounds. */
struct node_costs *cost_model_nodes(const struct cost_model *model);
struct layouts *cost_model_layouts(const struct cost_model *model);
const struct core_code *cost_model_code(const struct cost_model *model);
const struct space *cost_model_space(const struct cost_model *model);
const struct core *cost_model_core(const struct cost_model *model);

#endif
