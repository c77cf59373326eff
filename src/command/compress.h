/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `dtmm compress` share. */
#ifndef DTMM_COMMAND_COMPRESS_H
#define DTMM_COMMAND_COMPRESS_H

#include "command/command.h"
#include "compress/compressor.h"

struct compress_request {
    struct compile_options compile;
    const char *model_path; /* as it was given */
    const char *out;
    int force, json;
    int has_data;                         /* budgets are searched for, by training */
    struct compressor_options compressor; /* with data */
};

/* compress_options.c */
enum status compress_request_parse(const struct command *command, int argc, char **argv,
                                   struct arena *arena, struct compress_request *request,
                                   struct diag *diag);

/* The same file, what compress and sweep have in common: */

/* A size that a device limits too. */
enum status parse_budget(const char *option, const char *value, uint32_t device,
                         const struct target *target, size_t *bytes, struct diag *diag);
/* OUT may be missing or an empty folder; with --force also a folder that nothing else needs. */
enum status check_out(const char *out, int force, const char *model_path, struct diag *diag);
/* `value` may be NULL. */
enum status parse_solver(const char *value, enum solver *solver, struct diag *diag);
/* OUT.state */
const char *state_path_of(const char *out, struct arena *arena);

#endif
