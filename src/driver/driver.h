/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline: from a file to a compiled network, and on to a library in a folder. */
#ifndef DTMM_DRIVER_DRIVER_H
#define DTMM_DRIVER_DRIVER_H

#include "base/arena.h"
#include "base/status.h"
#include "data/dataset.h"
#include "driver/progress.h"
#include "graph/graph.h"
#include "product/layout.h"
#include "product/packed.h"
#include "target/target.h"

struct compile_options {
    const char *model_path;
    const struct target *target;
    double sparsity; /* fraction of filterlets to remove; 0: only what is zero already */
    size_t flash_budget, sram_budget; /* bytes */
    struct observer observer;
    const char *recipe; /* JSON, for the forms of layers (product/recipe.h); NULL: as is best */
};

/* The products of one compilation. */
struct compiled {
    struct graph *original; /* as imported */
    struct graph *graph;
    struct packed *packed;
    struct layout *layout;
};

/* Names of the passes that observer.dump may be; ends with NULL. */
extern const char *const DUMPABLE_PASSES[];

/* Reads a .tflite file, a checkpoint or a graph in text form, told apart by their content. */
enum status driver_load(const char *path, struct arena *arena, struct graph **graph,
                        struct diag *diag);

/* What stored samples mean to an int8 network, by its input's quantization: a stored s8 is the
 * input's integer, a stored u8 128 more. ERR_INPUT when the file's network has no int8 input. */
enum status driver_scale_like(const char *path, enum sample_type type, struct sample_scale *scale,
                              struct diag *diag);

/* driver_load(), observed. */
enum status driver_import(const char *path, const struct observer *observer, struct arena *arena,
                          struct graph **graph, struct diag *diag);

/* import, score, prune, simplify, pack, plan. */
enum status driver_compile(const struct compile_options *options, struct arena *arena,
                           struct compiled *compiled, struct diag *diag);

/* Writes an f32 graph, batch normalizations folded into its layers, or an s8 graph, as a .tflite
 * file. With path NULL it only finds out whether that is possible. */
enum status driver_export(const struct graph *graph, const char *path, struct diag *diag);

#endif
