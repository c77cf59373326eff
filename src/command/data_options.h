/* SPDX-License-Identifier: Apache-2.0 */
/* The options on samples that train, quantize and eval have in common. */
#ifndef DTMM_COMMAND_DATA_OPTIONS_H
#define DTMM_COMMAND_DATA_OPTIONS_H

#include "command/command.h"
#include "data/dataset.h"

/* Their lines in a command's list of options. */
#define DATA_OPTIONS                                                                               \
    {"data", required_argument, NULL, 'D'}, {"val", required_argument, NULL, 'V'},                 \
        {"seed", required_argument, NULL, 's'}, {"input-scale", required_argument, NULL, 'S'},     \
        {"input-offset", required_argument, NULL, 'O'},                                            \
    {                                                                                              \
        "input-like", required_argument, NULL, 'L'                                                 \
    }

struct data_options {
    const char *path;  /* never NULL */
    double validation; /* fraction of the training part */
    /* What is read: --val test validates on half of the test part. */
    enum dataset_part training_part, test_part;
    uint64_t seed;             /* of the choice of samples, and all else that is random */
    int scale_given;           /* any option on the input's scale */
    struct sample_scale scale; /* 1, 0 unless given; not yet that of `input_like` */
    const char *input_like;    /* a quantized network whose input has the scale; NULL */
};

/* ERR_USAGE also when --data is missing; `what` says what the samples are for. */
enum status data_options_parse(const char *const *value, const char *what,
                               struct data_options *options, struct diag *diag);

/* What stored samples of a type mean. */
enum status data_options_scale(const struct data_options *options, enum sample_type type,
                               struct sample_scale *scale, struct diag *diag);

/* "A,B,C" as an array of strings; returns how many. Empty ones are left out. */
int32_t words_split(const char *text, struct arena *arena, const char *const **words);

/* --anchors "W:H,W:H": widths and heights in parts of the image. */
enum status anchors_parse(const char *text, struct arena *arena, int32_t *n_anchors,
                          const float **anchors, struct diag *diag);

#endif
