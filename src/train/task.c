/* SPDX-License-Identifier: Apache-2.0 */
#include "train/task.h"

#include <assert.h>

#include "data/metrics.h"

enum { MAX_CLASSES = 1024 };

int32_t task_head(const struct graph *graph, enum loss_kind loss)
{
    const struct node *last = tensor_maker(graph, graph->outputs[0]);
    if (last != NULL && loss == LOSS_CROSS_ENTROPY && last->op == OP_softmax &&
        last->attrs.beta == 1)
        return last->inputs[0];
    if (last != NULL && loss == LOSS_BINARY && last->op == OP_logistic)
        return last->inputs[0];
    return graph->outputs[0];
}

void task_like_teacher(struct train_settings *settings, const struct graph *graph,
                       const struct dataset *dataset, double share)
{
    int64_t n = shape_elements(&graph->tensors[graph->outputs[0]].shape);
    int has_classes =
        dataset->labels != NULL && n >= dataset->n_classes && n != shape_elements(&dataset->shape);
    const struct node *last = tensor_maker(graph, graph->outputs[0]);
    int is_softmax = last != NULL && last->op == OP_softmax;
    settings->loss = has_classes || is_softmax ? LOSS_CROSS_ENTROPY : LOSS_MSE;
    settings->distill_share = has_classes ? share : 1;
    settings->start_counts = settings->loss == LOSS_MSE;
}

static enum status check_classes(const struct graph *graph, const struct dataset *dataset,
                                 struct diag *diag)
{
    int64_t n = shape_elements(&graph->tensors[graph->outputs[0]].shape);
    if (dataset->labels == NULL)
        return fail(diag, ERR_INPUT,
                    "%s: has no classes; choose another --loss, or --distill from a teacher",
                    dataset->path);
    if (n < dataset->n_classes)
        return fail(diag, ERR_INPUT, "%s: has %d classes, the network's output '%s' only %lld",
                    dataset->path, dataset->n_classes, graph->tensors[graph->outputs[0]].name,
                    (long long)n);
    if (n > MAX_CLASSES)
        return fail(diag, ERR_UNSUPPORTED, "an output of %lld classes, at most %d are supported",
                    (long long)n, MAX_CLASSES);
    return OK;
}

static enum status check_targets(const struct graph *graph, const struct dataset *dataset,
                                 struct diag *diag)
{
    int64_t n = shape_elements(&graph->tensors[graph->outputs[0]].shape);
    if (dataset->targets == NULL && dataset->labels == NULL && n == shape_elements(&dataset->shape))
        return OK; /* an autoencoder: the target is the sample */
    if (dataset->targets == NULL && (dataset->n_classes != 2 || n != 1))
        return fail(diag, ERR_INPUT,
                    "%s: has no target values, and the output '%s' is not of the sample's size; "
                    "choose another --loss",
                    dataset->path, graph->tensors[graph->outputs[0]].name);
    if (dataset->targets != NULL && n != dataset->n_targets)
        return fail(diag, ERR_INPUT,
                    "%s: has %d target values a sample, the network's output '%s' %lld",
                    dataset->path, dataset->n_targets, graph->tensors[graph->outputs[0]].name,
                    (long long)n);
    return OK;
}

static enum status check_boxes(const struct train_settings *settings, const struct graph *graph,
                               const struct dataset *dataset, struct diag *diag)
{
    const struct tensor *output = &graph->tensors[graph->outputs[0]];
    const struct augmentation *augmentation = &settings->augmentation;
    int32_t channels = output->shape.rank == 4 ? output->shape.dims[3] : 0;
    if (dataset->targets == NULL || dataset->n_targets % 5 != 0)
        return fail(diag, ERR_INPUT,
                    "%s: --loss yolo needs targets of five values a box (class, center x, center "
                    "y, width, height)",
                    dataset->path);
    if (augmentation->flip || augmentation->shift[0] > 0 || augmentation->shift[1] > 0 ||
        augmentation->mixup > 0)
        return fail(diag, ERR_USAGE,
                    "--augment %s: flip, shift and mixup would leave the boxes behind; --loss yolo "
                    "goes with cutout and noise",
                    settings->augmentation_text);
    if (channels == 0 || channels % settings->n_anchors != 0 || channels / settings->n_anchors < 6)
        return fail(
            diag, ERR_INPUT,
            "the output '%s' must be a grid with 5 + classes channels, of one class at least, "
            "for each of the %d anchors",
            output->name, settings->n_anchors);
    for (int64_t i = 0; i < (int64_t)dataset->n_samples * dataset->n_targets; i += 5)
        if (dataset->targets[i] >= (float)(channels / settings->n_anchors - 5))
            return fail(diag, ERR_INPUT,
                        "%s: sample %lld has a box of class %g, the output only "
                        "%d classes",
                        dataset->path, (long long)(i / dataset->n_targets),
                        (double)dataset->targets[i], channels / settings->n_anchors - 5);
    return OK;
}

enum status task_check(const struct train_settings *settings, const struct graph *graph,
                       const struct dataset *dataset, struct diag *diag)
{
    switch (settings->loss) {
    case LOSS_CROSS_ENTROPY:
        return check_classes(graph, dataset, diag);
    case LOSS_MSE:
    case LOSS_BINARY:
        return check_targets(graph, dataset, diag);
    case LOSS_YOLO:
        return check_boxes(settings, graph, dataset, diag);
    case N_LOSSES:
        break;
    }
    assert(0);
    return ERR_USAGE;
}

/* Against the probabilities that the classes are to have. */
static double classes_loss(const struct task *task, const struct task_sample *sample,
                           const float *values, double weight, float *gradient)
{
    int32_t n = (int32_t)shape_elements(task->head);
    double smoothing = task->settings->label_smoothing;
    float target[MAX_CLASSES];
    for (int32_t i = 0; i < n; i++)
        target[i] = (float)(smoothing / n);
    target[task->dataset->labels[sample->first]] += (float)((1 - smoothing) * sample->share);
    target[task->dataset->labels[sample->second]] += (float)((1 - smoothing) * (1 - sample->share));
    return loss_cross_entropy(values, n, target, weight, gradient);
}

/* Against what is known of the sample `index`. */
static double target_loss(const struct task *task, const struct task_sample *sample, int32_t index,
                          const float *values, double weight, float *gradient)
{
    const struct dataset *dataset = task->dataset;
    const struct train_settings *settings = task->settings;
    const int32_t *dims = task->head->dims;
    int32_t n = (int32_t)shape_elements(task->head);
    const float *target = sample->inputs;
    float label;
    if (dataset->targets != NULL) {
        target = dataset->targets + (int64_t)index * dataset->n_targets;
    } else if (dataset->labels != NULL) {
        label = (float)dataset->labels[index];
        target = &label;
    }
    if (settings->loss == LOSS_MSE)
        return loss_mse(values, n, target, weight, gradient);
    if (settings->loss == LOSS_BINARY)
        return loss_binary(values, n, target, weight, gradient);
    struct yolo_grid grid = {dims[1], dims[2], settings->n_anchors,
                             dims[3] / settings->n_anchors - 5, settings->anchors};
    return loss_yolo(&grid, values, target, dataset->n_targets / 5, weight, gradient);
}

double task_loss(const struct task *task, const struct task_sample *sample, const float *values,
                 double weight, float *gradient)
{
    double first = (double)sample->share, second = 1 - first;
    if (task->settings->loss == LOSS_CROSS_ENTROPY)
        return classes_loss(task, sample, values, weight, gradient);
    double loss =
        first * target_loss(task, sample, sample->first, values, first * weight, gradient);
    if (second > 0)
        loss +=
            second * target_loss(task, sample, sample->second, values, second * weight, gradient);
    return loss;
}

int task_is_right(const struct task *task, const struct task_sample *sample, const float *values)
{
    return task->settings->loss == LOSS_CROSS_ENTROPY &&
           scores_argmax(values, (int32_t)shape_elements(task->head)) ==
               task->dataset->labels[sample->first];
}
