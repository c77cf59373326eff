/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a training in a file (safetensors; doc/training.md). */
#ifndef DTMM_TRAIN_CHECKPOINT_H
#define DTMM_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

/* Writes everything that checkpoint_read() needs to go on to the same bits. The file appears
 * complete or not at all. `settings` is a line that says how the training was started. */
enum status checkpoint_write(const char *path, const struct trainer *trainer, const char *settings,
                             struct diag *diag);

/* Puts a trainer, made of the same graph, data and settings, into the state of the file. ERR_INPUT
 * when it is damaged or of another graph, ERR_USAGE when `settings`, dataset, teacher or the zeros
 * to keep differ. */
enum status checkpoint_read(const char *path, const char *settings, struct trainer *trainer,
                            struct diag *diag);

/* Writes a graph with its f32 constants as tensors; driver_load() reads it. */
enum status checkpoint_write_graph(const char *path, const struct graph *graph, struct diag *diag);

#endif
