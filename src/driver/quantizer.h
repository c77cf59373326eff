/* SPDX-License-Identifier: Apache-2.0 */
/* From a float network and samples to an int8 network: post-training quantization. */
#ifndef DTMM_DRIVER_QUANTIZER_H
#define DTMM_DRIVER_QUANTIZER_H

#include "driver/driver.h"
#include "driver/predict.h"
#include "product/fake_quantization.h"
#include "product/int8_origin.h"
#include "product/ranges.h"
#include "train/calibrate.h"
#include "train/trainer.h"

struct quantizer_options {
    const char *model_path; /* a float network */
    /* The int8 network that it was made from: what has not changed since keeps its scales (pass.h,
     * keep_scales.c), and layers of which nothing has changed their integers. NULL: there is none.
     */
    const struct int8_origin *origin;
    const char *data_path;
    enum dataset_part training_part, test_part; /* what of it is read */
    const struct dataset *dataset; /* what is there, when it has been read already; or NULL */
    const char *out_path;          /* .tflite */
    struct sample_scale scale;     /* of the samples */
    const char *input_like;        /* or an int8 .tflite file whose input has it; NULL */
    struct calibration calibration;
    int32_t n_calibration;      /* samples, at most */
    int32_t n_validation;       /* samples, at most; 0: measure nothing */
    double validation_fraction; /* of the training part; never calibrated on */
    uint64_t seed;              /* of the choice of samples */
    int equalize, correct_bias;
    struct weight_rounding rounding;
    int32_t n_qat_epochs;        /* of training with rounding, on all training samples; 0: none */
    double qat_rate;             /* its peak learning rate */
    int32_t n_threads;           /* of it; 0: workers_default() */
    const struct graph *teacher; /* of this training; NULL: the float network itself */
    struct augmentation augmentation;
    double distill_share;           /* of the float network's outputs in its loss */
    train_observer *train_observer; /* sees its epochs; NULL: nobody */
    void *train_context;
    const char *when_stopped; /* said on stderr when a signal ends the training, before it ends the
                                 program; NULL: that nothing was written */
    struct observer observer;
};

struct quantizer_result {
    struct graph *original, *folded, *graph; /* float as loaded, float as quantized, int8 */
    struct ranges *ranges;
    int32_t n_calibration;
    struct quality quality_float, quality_int8;
    double signal_to_noise; /* dB; of the int8 network's output, to the float network's */
    size_t file_bytes;
};

/* import, fold, equalize, calibrate, choose scales, train with rounding, correct biases, quantize,
 * emit, measure. Writes the file. ERR_USAGE when a signal ended the training. */
enum status quantizer_run(const struct quantizer_options *options, struct arena *arena,
                          struct quantizer_result *result, struct diag *diag);

#endif
