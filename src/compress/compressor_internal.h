/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the compressor work on. */
#ifndef DTMM_COMPRESS_COMPRESSOR_INTERNAL_H
#define DTMM_COMPRESS_COMPRESSOR_INTERNAL_H

#include "compress/compressor.h"
#include "schedule/cost_model.h"

enum { MAX_ROUNDS = 16, EQUAL_SAMPLES = 4 };

/* What a network turned out to be on the device. */
struct device_facts {
    size_t flash_bytes, sram_bytes;
    int64_t instructions; /* -1: it does not fit the device */
    size_t sram_lacking;  /* for the stack beside it, or for the test's buffers where the emulated
                             machine is full; 0: all fits */
    int32_t n_equal;      /* of EQUAL_SAMPLES samples, outputs as on the host in every byte */
};

/* One pruning and training; or none: the dense network in int8. */
struct round {
    const char *name;       /* "round1"; a folder of the state */
    const char *recipe;     /* JSON; NULL: nothing is removed */
    const char *start_path; /* a float checkpoint; NULL: the dense network */
    int32_t n_epochs;
    double expected[N_BUDGETS]; /* by the schedule */
    double bound;               /* no recipe has less of the objective; NaN: not known */
    double accuracy;            /* int8, on validation samples; NaN: no classes */
    struct sample_scale scale;  /* of the samples */
    size_t sram_limit;          /* bytes that kernels and arena were chosen for */
    struct device_facts device;
};

struct compressor {
    const struct compressor_options *options;
    struct arena *arena;
    struct diag *diag;
    const char *state_name; /* of the file of the state */
    json_t *state;          /* what is saved: probes and rounds that are done */
    struct round dense;
    int32_t n_rounds;
    struct round rounds[MAX_ROUNDS];
    double reference;  /* accuracy that a drop is counted from */
    int has_reference; /* it is that of a dense network trained as the rounds are */
    double drop_rate;  /* accuracy lost by a unit of predicted loss */
    double margins[N_BUDGETS];
    double most_loss; /* predicted; INFINITY: no limit */
    struct space *space;
    struct loss_table *loss;
    struct cost_model *model;
};

/* compressor.c: makes the dense network in int8, and says what it is. */
enum status compressor_dense(struct compressor *c);
/* Says what a round is to be, and what it turned out to be. */
void compressor_say_schedule(const struct compressor *c, const struct round *round);
void compressor_say_device(const struct compressor *c, const struct round *round);

/* Bytes or instructions; INFINITY: no budget. */
double compressor_budget(const struct compressor *c, enum budget budget);
/* A size or count of a round that is beyond its budget by so much; 0: it is not. */
double compressor_excess(const struct compressor *c, const struct round *round, enum budget budget);
/* The least accuracy that is good enough, and whether it is the drop that limits it, not
 * --min-accuracy. */
double compressor_accuracy_wanted(const struct compressor *c);
int compressor_limits_drop(const struct compressor *c);

/* compressor_refusal.c: all fail with ERR_BUDGET. */

/* "bytes of flash" */
const char *budget_words(enum budget budget);
/* Of a search. */
enum status compressor_cannot(struct compressor *c, const struct goal *goal,
                              const struct schedule *schedule);
/* Of rounds, none of which keeps to the sizes. */
enum status compressor_sizes_failed(struct compressor *c);
enum status compressor_accuracy_failed(struct compressor *c, const struct round *round);

/* compressor_state.c */

/* Opens the folder of the state: empty, or what a run with the same settings left. */
enum status compressor_state_open(struct compressor *c);
/* Goes over to another file of the state; when there is none yet, it will have what the first has.
 */
enum status compressor_state_take(struct compressor *c, const char *name);
enum status compressor_state_save(const struct compressor *c);
/* A path in it. */
const char *compressor_path(const struct compressor *c, const char *name);
/* Takes a round from the state, measured or only trained (ROUND_TRAINED: the device is not known);
 * none where it is not there, or had another recipe (if the round has one). */
enum round_progress { ROUND_MISSING, ROUND_TRAINED, ROUND_DONE };
enum round_progress compressor_round_load(const struct compressor *c, struct round *round);
enum status compressor_round_save(struct compressor *c, const struct round *round,
                                  enum round_progress progress);

/* compressor_round.c: the options of pruning that all rounds and probes have; only what is alive
 * counts, as in the space of the search. */
struct pruner_options compressor_pruner_options(const struct compressor *c);

/* Prunes, trains, quantizes, builds and measures; or takes all that from the
 * state. The int8 network is at round_tflite(), in float at round_float(). */
enum status compressor_round_run(struct compressor *c, struct round *round);
const char *round_tflite(const struct compressor *c, const struct round *round);
const char *round_float(const struct compressor *c, const struct round *round);

/* What library and arena may take of the SRAM: the budget, if the stack fits the device beside it,
 * less its margin. */
size_t compressor_sram_limit(const struct compressor *c);

/* compressor_device.c: builds an int8 network, with the forms of layers that the recipe gives (or
 * NULL), for the target, and runs it when it fits. */
enum status compressor_measure(struct compressor *c, const char *tflite_path, const char *recipe,
                               struct device_facts *facts);

/* compressor_search.c */

/* The space of the dense int8 network, and what its candidates cost. */
enum status compressor_search_open(struct compressor *c);
/* ERR_BUDGET when sizes cannot be met whatever the accuracy: said before anything is trained. */
enum status compressor_search_check(struct compressor *c);
/* Probes what removals cost in accuracy. */
enum status compressor_probe(struct compressor *c);
/* Chooses the recipe and what is expected of it, for the budgets less their margins. */
enum status compressor_schedule(struct compressor *c, struct round *round);

/* compressor_report.c */
json_t *compressor_json(const struct compressor *c, const struct round *best);

/* compressor_test.c */
/* The accuracy of int8 networks on the test data; NaN and no samples where there is none. */
enum status compressor_test(struct compressor *c, int32_t n, const char *const *tflite_paths,
                            double *accuracies, int32_t *n_samples);

#endif
