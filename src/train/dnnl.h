/* SPDX-License-Identifier: Apache-2.0 */
/* The mathematics of nodes, computed by oneDNN on one thread. Everything that knows that library's
 * interface (version 2.6) is in dnnl.c. All activations are NHWC, since the library falls back to
 * slow code for odd channel counts in its own blocked layouts; only weights are reordered. */
#ifndef DTMM_TRAIN_DNNL_H
#define DTMM_TRAIN_DNNL_H

#include "base/status.h"
#include "train/step.h"

/* What one thread needs of the library. Made, used and released by any thread, one at a time. */
struct dnnl_thread;

enum status dnnl_thread_make(struct dnnl_thread **thread, struct diag *diag);
void dnnl_thread_free(struct dnnl_thread *thread);

/* The calling thread runs the library without threads of its own; call it before all else here. */
void dnnl_thread_enter(void);

/* The primitives of one node. */
struct dnnl_step;

/* Prepares a node; its memory belongs to the thread. Call dnnl_thread_finish() after the last. */
enum status dnnl_step_make(struct dnnl_thread *thread, const struct step *step,
                           struct dnnl_step **prepared, struct diag *diag);
void dnnl_thread_finish(struct dnnl_thread *thread);

/* To be called when the values of weights have changed. */
void dnnl_step_refresh(const struct dnnl_thread *thread, const struct dnnl_step *step);

/* The node without its activation, unless that is part of a primitive. `training`: with the
 * statistics of the batch. */
void dnnl_step_forward(const struct dnnl_thread *thread, const struct dnnl_step *step,
                       int training);
void dnnl_step_backward(const struct dnnl_thread *thread, const struct dnnl_step *step);

/* The fused activation, in place: of the output, and of its gradient. */
void dnnl_step_activate(const struct dnnl_thread *thread, const struct dnnl_step *step);
void dnnl_step_activate_backward(const struct dnnl_thread *thread, const struct dnnl_step *step);

#endif
