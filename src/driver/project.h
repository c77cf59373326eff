/* SPDX-License-Identifier: Apache-2.0 */
/* An OUT folder: a compiled network on disk, with its library, its report and its graph. */
#ifndef DTMM_DRIVER_PROJECT_H
#define DTMM_DRIVER_PROJECT_H

#include <jansson.h>

#include "driver/driver.h"
#include "measure/measure.h"

struct project {
    const char *folder;
    json_t *report;
    struct graph *graph;   /* as compiled: OUT/model.txt */
    struct packed *packed; /* for the host */
    struct layout *layout;
    const struct target *target; /* compiled for */
};

/* Opens a folder that dtmm compress wrote. ERR_INPUT when it is not one, or when its files do not
 * belong together. Release with project_close(). */
enum status project_open(const char *folder, struct arena *arena, struct project *project,
                         struct diag *diag);
void project_close(struct project *project);

/* Writes the report back to OUT/report.json. */
enum status project_save_report(const struct project *project, struct diag *diag);

/* The folder that holds runtime/ and board/: $DTMM_SHARE, or found from where the program is. */
enum status share_folder(struct arena *arena, const char **folder, struct diag *diag);

/* What the build and the emulator need to know of a library that is in `folder`. */
enum status firmware_describe(const struct graph *graph, const char *folder,
                              const struct target *target, struct arena *arena,
                              struct firmware *firmware, struct diag *diag);

/* Runs `n_samples` samples (their bytes back to back) on the host through the runtime's C kernels,
 * with the arena laid out as on the device. */
enum status project_run_host(const struct project *project, const uint8_t *inputs, size_t n_samples,
                             struct arena *arena, struct run *run, struct diag *diag);

/* Samples of pseudo-random int8 values, always the same. A float input gets values in [-1, 1). */
uint8_t *samples_invent(const struct graph *graph, size_t n_samples, struct arena *arena);

/* Reads a file of samples. ERR_INPUT unless its size is a positive multiple of `sample_bytes`. */
enum status samples_read(const char *path, size_t sample_bytes, struct arena *arena,
                         uint8_t **samples, size_t *n_samples, struct diag *diag);

/* ERR_USAGE when the library, compiled for the project's target, cannot run on `target`. */
enum status project_check_target(const struct project *project, const struct target *target,
                                 struct diag *diag);

#endif
