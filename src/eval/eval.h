/* SPDX-License-Identifier: Apache-2.0 */
/* Running a compiled graph on the host, through the same kernels that ship to devices. */
#ifndef DTMM_EVAL_EVAL_H
#define DTMM_EVAL_EVAL_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "product/layout.h"
#include "product/packed.h"

/* Runs one inference of a graph packed for isa "c". inputs[i] and outputs[i] are the graph's, in
 * its order, as raw bytes of tensor_bytes(). With a layout, activations live in one arena laid out
 * as on the device (so a planning mistake shows); with NULL every tensor has memory of its own. */
enum status eval_run(const struct graph *graph, const struct packed *packed,
                     const struct layout *layout, const void *const *inputs, void *const *outputs,
                     struct diag *diag);

/* Total bytes of all graph inputs (outputs): one sample in an inputs (outputs) file. */
size_t graph_input_bytes(const struct graph *graph);
size_t graph_output_bytes(const struct graph *graph);

#endif
