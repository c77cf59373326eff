/* SPDX-License-Identifier: Apache-2.0 */
/* Training: epochs of batches, validation, the best epoch's values at the end. */
#ifndef DTMM_TRAIN_TRAINER_H
#define DTMM_TRAIN_TRAINER_H

#include "data/augment.h"
#include "data/dataset.h"
#include "product/masks.h"
#include "train/distributed.h"
#include "train/loss.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/origin.h"
#include "train/rate.h"
#include "train/rounding.h"

/* What decides the outcome. */
struct train_settings {
    int32_t n_epochs, batch_samples;
    int32_t shard_samples; /* at most: whose statistics a batch normalization uses, and which a
                              thread computes; more are less noisy, fewer keep more threads busy */
    int32_t n_threads;     /* of this process; 0: workers_default(); does not change the outcome */
    enum loss_kind loss;
    enum optimizer_kind optimizer;
    enum rate_kind schedule;
    double rate, warmup_epochs, weight_decay, label_smoothing;
    double clip; /* see struct optimizer */
    /* Of a training that is a part of a longer one: so many epochs came before and will come after;
     * the schedule goes over all, the warm-up is this one's. */
    int32_t epochs_before, epochs_after;
    struct augmentation augmentation;
    const char *augmentation_text;
    double validation; /* fraction of the training data */
    int32_t patience;  /* epochs without a better one after which training ends; 0: never */
    int start_counts;  /* where no epoch is better than the start, its values are kept */
    uint64_t seed;
    struct sample_scale scale;
    int keep_zeros; /* weights that are zero at the start stay zero */
    int alone;      /* this process trains by itself, even where mpirun has started several */
    const struct masks
        *masks;           /* of the graph: these weights stay zero, not all that are; or NULL */
    double distill_share; /* of the teacher's part in the loss; 1: without labels */
    double temperature;
    double feature_weight; /* of the mean squared difference to the teacher's features */
    int32_t n_features;
    const char *const *features;     /* activations of the same name and shape in both graphs */
    const struct rounding *rounding; /* train for int8 (rounding.h); NULL: for float */
    int32_t n_anchors;
    const float *anchors; /* of a detector: see struct yolo_grid */
};

/* The defaults of `dtmm train`. */
struct train_settings train_settings_initial(void);

/* One epoch, or what of it is done. */
struct epoch_result {
    int32_t epoch, n_epochs;                     /* from 1; of the whole course */
    double progress;                             /* done of it, in 0 .. 1 */
    double rate;                                 /* learning rate of the last step */
    double loss;                                 /* mean over the samples so far */
    double accuracy;                             /* of classes, in 0 .. 1; NaN for other losses */
    double validation_loss, validation_accuracy; /* NaN until the epoch has ended */
    double images_per_second;                    /* of this run, validation included */
    double seconds, seconds_left;                /* since the run began; until the training ends */
    int is_best;
};

/* Told after every epoch, and several times a second in between (progress < 1). */
typedef void train_observer(void *context, const struct epoch_result *result);

/* Everything that training goes on from, besides the settings: where in the course it is, and what
 * is in memory. Values are those of network_parameters(). */
struct train_state {
    int32_t epoch, step;      /* done: whole epochs, and batches of the next one */
    double loss_sum, n_right; /* of those batches */
    int32_t best_epoch;
    double best_score; /* higher is better */
    int64_t n_values;
    float *best_values;
    struct optimizer optimizer;
};

/* What the trainer works with. `graph` is initialized; `head` is its output, or the logits behind
 * which a softmax or sigmoid is left to the loss. */
struct trainer {
    const struct train_settings *settings;
    const struct graph *graph;
    const struct graph *teacher; /* or NULL */
    const struct dataset *dataset;
    struct split split;
    struct origin origin;
    struct distributed distributed;
    struct network *network, *teacher_network;
    int32_t n_heads;
    int32_t heads[MAX_INPUTS];
    struct train_state state;
    train_observer *observer;
    void *observer_context;
    /* Called when the state is worth keeping: after every epoch, and when a signal asks to stop. */
    enum status (*save)(void *context, const struct trainer *trainer, struct diag *diag);
    void *save_context;
};

/* Prepares a trainer; observer and save are set afterwards. ERR_INPUT or ERR_USAGE when graph,
 * data, teacher and settings do not belong together. Release with trainer_free(). */
enum status trainer_make(const struct train_settings *settings, const struct graph *graph,
                         const struct graph *teacher, const struct dataset *dataset,
                         struct arena *arena, struct trainer *trainer, struct diag *diag);
void trainer_free(struct trainer *trainer);

/* Trains from the state on until the end, and leaves the best epoch's values in the network.
 * `*stopped` tells that a signal ended it early, after the state was saved. ERR_INPUT when the loss
 * is no longer finite: names step and layer. */
enum status trainer_run(struct trainer *trainer, int *stopped, struct diag *diag);

/* Shows the gradients of `n_batches` training batches, one after another, in the order of the next
 * epoch; nothing is learned. */
enum status trainer_gradients(struct trainer *trainer, int32_t n_batches,
                              void (*see)(void *context, const struct parameters *parameters),
                              void *context, struct diag *diag);

/* Loss and accuracy (NaN without classes) on samples of the dataset. */
void trainer_validate(struct trainer *trainer, const int32_t *indices, int32_t n, double *loss,
                      double *accuracy);

#endif
