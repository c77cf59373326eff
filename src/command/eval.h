/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `dtmm eval` share. */
#ifndef DTMM_COMMAND_EVAL_H
#define DTMM_COMMAND_EVAL_H

#include "command/data_options.h"
#include "data/metrics.h"
#include "driver/predict.h"
#include "train/loss.h"

/* What a network is asked: name on the command line. */
#define EVAL_TASK_LIST(X)                                                                          \
    X(CLASSIFY, "classify") /* which class: a score each */                                        \
    X(BINARY, "binary")     /* yes or no: one score, or one for each of several questions */       \
    X(REGRESS, "regress")   /* numbers */                                                          \
    X(ANOMALY, "anomaly")   /* whether the output is like the input */                             \
    X(DETECT, "detect")     /* where objects are, of which class: a grid of boxes */

enum eval_task {
#define X(suffix, name) EVAL_##suffix,
    EVAL_TASK_LIST(X)
#undef X
        N_EVAL_TASKS
};

struct eval_request {
    const char *model;
    struct data_options data;
    const char *part;            /* "test", "train" or "validation" */
    const struct target *target; /* NULL: the host */
    int32_t limit;               /* samples, at most */
    int task;                    /* enum eval_task, or -1: what data and network are made for */
    int32_t n_anchors;
    const float *anchors; /* of a detector: struct yolo_grid */
    int as_json, verbose;
    int timeout_seconds; /* of a batch on a device */
};

/* ---- eval_options.c ---- */

enum status eval_request_parse(const struct command *command, int argc, char **argv,
                               struct arena *arena, struct eval_request *request,
                               struct diag *diag);

/* ---- eval_task.c: what is asked, and how well it is answered ---- */

struct boxes {
    struct box *list;
    int64_t n, size;
};

struct evaluation {
    enum eval_task task;
    const struct graph *graph;
    const struct dataset *dataset;
    struct arena *arena;
    int32_t n_samples;                    /* counted so far */
    int32_t positive;                     /* class, of two, that scores are to be higher for */
    float threshold;                      /* of a binary answer */
    struct yolo_grid grid;                /* of a detector */
    struct classification classification; /* classify, binary */
    struct regression regression;         /* regress, anomaly */
    int32_t n_columns;                    /* scores a sample that are ranked; 0: none */
    float *scores;                        /* n_columns by sample */
    int32_t *positives;                   /* whether each is to be high */
    struct boxes predicted, truth;        /* detect */
};

const char *eval_task_name(enum eval_task task);

/* Chooses the task unless the request does. ERR_INPUT or ERR_UNSUPPORTED when network and data are
 * not made for it, or for none; `n_samples` is how many will be counted. */
enum status evaluation_start(const struct eval_request *request, const struct graph *graph,
                             const struct dataset *dataset, int32_t n_samples, struct arena *arena,
                             struct evaluation *evaluation, struct diag *diag);

/* Counts what the network made of some samples. */
void evaluation_add(struct evaluation *evaluation, const struct predictions *predictions,
                    const struct sample_set *samples);

/* The area under the ROC curve; the mean over the columns that have both kinds; NaN: none. */
double evaluation_auc(const struct evaluation *evaluation);

/* Mean reconstruction error of samples that are anomalies (1) or not (0); NaN: there are none. */
double evaluation_error(const struct evaluation *evaluation, int is_positive);

enum { EVAL_DETECTION_IOU_PERCENT = 50 };

/* ---- eval_device.c ---- */

/* How the device's outputs compare to the host's. */
struct device_result {
    int32_t n_equal; /* samples of which every output byte is the same */
    int32_t first;   /* sample that differs first, -1: none */
    int64_t instructions;
};

/* Compiles the int8 network for the request's target into a temporary folder, runs the samples
 * under the emulator and compares with the host's execution. */
enum status eval_on_device(const struct eval_request *request, const struct graph *graph,
                           const struct sample_set *samples, struct progress *progress,
                           struct arena *arena, struct predictions *predictions,
                           struct device_result *result, struct diag *diag);

/* ---- eval_report.c ---- */

struct eval_facts {
    const struct eval_request *request;
    const struct evaluation *evaluation;
    const struct sample_set *samples;
    int32_t n_available;                /* samples of the part */
    int is_int8;                        /* the network */
    const struct device_result *device; /* NULL: evaluated on the host */
};

json_t *eval_json(const struct eval_facts *facts, struct arena *arena);
void eval_print(const struct eval_facts *facts, struct arena *arena);

#endif
