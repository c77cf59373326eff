/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "command/eval.h"
#include "train/boxes.h"

enum { CLASSES_MAX = 4096 };

/* Boxes with lower scores are not looked at; non-maximum suppression's IoU. */
static const float SCORE_MIN = 0.01f;
static const double SUPPRESSION_IOU = 0.45;

/* Numbers of what is to be compared. */
struct sizes {
    int64_t outputs, inputs;
    int32_t classes, targets; /* 0: none */
};

static struct sizes sizes_of(const struct graph *graph, const struct dataset *dataset)
{
    return (struct sizes){shape_elements(&graph->tensors[graph->outputs[0]].shape),
                          shape_elements(&dataset->shape),
                          dataset->labels != NULL ? dataset->n_classes : 0,
                          dataset->targets != NULL ? dataset->n_targets : 0};
}

static int is_grid(const struct graph *graph, int32_t n_anchors)
{
    const struct shape *shape = &graph->tensors[graph->outputs[0]].shape;
    return shape->rank == 4 && shape->dims[3] % n_anchors == 0 && shape->dims[3] / n_anchors > 5;
}

/* ---- choosing ---- */

static int task_choose(const struct eval_request *request, const struct graph *graph,
                       const struct sizes *n)
{
    if (n->targets > 0 && n->targets == n->outputs)
        return EVAL_REGRESS;
    if (n->targets > 0 && n->targets % 5 == 0 && is_grid(graph, request->n_anchors))
        return EVAL_DETECT;
    if (n->classes == 2 && n->outputs == 1)
        return EVAL_BINARY;
    if (n->classes > 0 && n->classes == n->outputs)
        return EVAL_CLASSIFY;
    if (n->targets == 0 && (n->classes == 0 || n->classes == 2) && n->outputs == n->inputs)
        return EVAL_ANOMALY;
    if (n->classes > 0 && n->classes < n->outputs)
        return EVAL_CLASSIFY;
    return -1;
}

/* What the data tells about a sample, in words. */
static const char *knowledge(const struct sizes *n, struct arena *arena)
{
    if (n->targets > 0)
        return arena_printf(arena, "%d target values a sample", n->targets);
    if (n->classes > 0)
        return arena_printf(arena, "%d classes", n->classes);
    return "no labels";
}

static int task_fits(const struct eval_request *request, const struct graph *graph,
                     const struct dataset *dataset, const struct sizes *n, enum eval_task task)
{
    switch (task) {
    case EVAL_CLASSIFY:
        return n->classes > 0 && n->classes <= n->outputs && n->outputs > 1 &&
               n->outputs <= CLASSES_MAX;
    case EVAL_BINARY:
        return (n->classes == 2 && n->outputs == 1) || (n->targets > 0 && n->targets == n->outputs);
    case EVAL_REGRESS:
        return n->targets > 0 && n->targets == n->outputs;
    case EVAL_ANOMALY:
        return n->targets == 0 && n->outputs == n->inputs && (n->classes == 0 || n->classes == 2);
    case EVAL_DETECT:
        return dataset->targets != NULL && n->targets % 5 == 0 &&
               is_grid(graph, request->n_anchors);
    case N_EVAL_TASKS:
        break;
    }
    return 0;
}

/* What a task needs of data and network. */
static const char *needs(enum eval_task task)
{
    switch (task) {
    case EVAL_CLASSIFY:
        return "classes, and a network with an output value for each (at most 4096)";
    case EVAL_BINARY:
        return "two classes and a network with one output value, or as many targets as it has";
    case EVAL_REGRESS:
        return "target values, and a network with as many output values";
    case EVAL_ANOMALY:
        return "no labels or two classes, and a network with an output of the sample's size";
    case EVAL_DETECT:
        return "targets of five values a box (class, center x, center y, width, height), and a "
               "network whose output is a grid of 5 + classes channels for each of --anchors";
    case N_EVAL_TASKS:
        break;
    }
    return "";
}

static enum status task_check(const struct eval_request *request, const struct graph *graph,
                              const struct dataset *dataset, const struct sizes *n, int task,
                              struct diag *diag)
{
    struct arena scratch = {0};
    const struct tensor *output = &graph->tensors[graph->outputs[0]];
    const char *has = knowledge(n, &scratch), *shape = shape_string(&output->shape, &scratch);
    enum status status = OK;
    if (task < 0)
        status = fail(diag, ERR_INPUT,
                      "%s has %s, the network's output '%s' is %s: they fit no task; see 'dtmm "
                      "eval --help'",
                      dataset->path, has, output->name, shape);
    else if (!task_fits(request, graph, dataset, n, (enum eval_task)task))
        status = fail(diag, ERR_INPUT, "--task %s needs %s; %s has %s, the output '%s' is %s",
                      eval_task_name((enum eval_task)task), needs((enum eval_task)task),
                      dataset->path, has, output->name, shape);
    arena_free(&scratch);
    return status;
}

/* ---- starting ---- */

/* Of two classes the one that is an anomaly, by its name; class 1 when names do not tell. */
static int32_t positive_class(const struct dataset *dataset, enum eval_task task)
{
    const char *const *names = dataset->class_names;
    if (task != EVAL_ANOMALY || names == NULL || dataset->n_classes != 2)
        return 1;
    return strncmp(names[0], "anomal", 6) == 0 || strcmp(names[1], "normal") == 0 ? 0 : 1;
}

/* Whether the output is a probability already. */
static int is_probability(const struct graph *graph)
{
    int32_t tensor = graph->outputs[0];
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const struct node *node = &graph->nodes[i];
        if (node->output != tensor)
            continue;
        if (node->op != OP_quantize && node->op != OP_dequantize && node->op != OP_reshape)
            return node->op == OP_logistic;
        tensor = node->inputs[0];
    }
    return 0;
}

static int32_t ranked_columns(enum eval_task task, const struct sizes *n)
{
    if (task == EVAL_BINARY)
        return (int32_t)n->outputs;
    return n->classes == 2 && (task == EVAL_ANOMALY || n->outputs == 2);
}

/* A class that the output does not have would match nothing. */
static enum status boxes_check(const struct evaluation *evaluation, struct diag *diag)
{
    const struct dataset *dataset = evaluation->dataset;
    for (int32_t i = 0; i < dataset->n_samples; i++) {
        const float *targets = dataset->targets + (size_t)i * (size_t)dataset->n_targets;
        for (int32_t k = 0; k < dataset->n_targets && targets[k] >= 0; k += 5)
            if (targets[k] >= (float)evaluation->grid.n_classes)
                return fail(diag, ERR_INPUT,
                            "%s: sample %d has a box of class %g, the output only %d classes; see "
                            "--anchors",
                            dataset->path, i, (double)targets[k], evaluation->grid.n_classes);
    }
    return OK;
}

enum status evaluation_start(const struct eval_request *request, const struct graph *graph,
                             const struct dataset *dataset, int32_t n_samples, struct arena *arena,
                             struct evaluation *evaluation, struct diag *diag)
{
    struct sizes n = sizes_of(graph, dataset);
    int task = request->task >= 0 ? request->task : task_choose(request, graph, &n);
    TRY(task_check(request, graph, dataset, &n, task, diag));
    *evaluation = (struct evaluation){.task = (enum eval_task)task,
                                      .graph = graph,
                                      .dataset = dataset,
                                      .arena = arena,
                                      .positive = positive_class(dataset, (enum eval_task)task),
                                      .threshold = is_probability(graph) ? 0.5f : 0.0f,
                                      .n_columns = ranked_columns((enum eval_task)task, &n)};
    size_t n_scores = (size_t)n_samples * (size_t)evaluation->n_columns;
    evaluation->scores = ARENA_ARRAY(arena, n_scores, float);
    evaluation->positives = ARENA_ARRAY(arena, n_scores, int32_t);
    if (task == EVAL_CLASSIFY || task == EVAL_BINARY)
        evaluation->classification =
            classification_start(task == EVAL_BINARY ? 2 : (int32_t)n.outputs, arena);
    if (task != EVAL_DETECT)
        return OK;
    const int32_t *dims = graph->tensors[graph->outputs[0]].shape.dims;
    evaluation->grid = (struct yolo_grid){dims[1], dims[2], request->n_anchors,
                                          dims[3] / request->n_anchors - 5, request->anchors};
    return boxes_check(evaluation, diag);
}

/* ---- counting ---- */

static void classify_add(struct evaluation *evaluation, const float *values, int32_t label)
{
    classification_add(&evaluation->classification, values, label);
    if (evaluation->n_columns == 0)
        return;
    evaluation->scores[evaluation->n_samples] = values[1] - values[0];
    evaluation->positives[evaluation->n_samples] = label;
}

static void binary_add(struct evaluation *evaluation, const float *values, int32_t index)
{
    const struct dataset *dataset = evaluation->dataset;
    int32_t n = evaluation->n_columns;
    size_t at = (size_t)evaluation->n_samples * (size_t)n;
    for (int32_t i = 0; i < n; i++) {
        int32_t answer = dataset->labels != NULL
                             ? dataset->labels[index]
                             : dataset->targets[(size_t)index * (size_t)n + (size_t)i] >= 0.5f;
        const float scores[] = {evaluation->threshold, values[i]};
        classification_add(&evaluation->classification, scores, answer);
        evaluation->scores[at + (size_t)i] = values[i];
        evaluation->positives[at + (size_t)i] = answer;
    }
}

static void anomaly_add(struct evaluation *evaluation, const float *values,
                        const struct sample_set *samples, int32_t i)
{
    const struct dataset *dataset = evaluation->dataset;
    int64_t n = shape_elements(&dataset->shape);
    struct arena scratch = {0};
    struct regression own = {0};
    float *real = ARENA_ARRAY(&scratch, (size_t)n, float);
    dataset_sample(dataset, samples->indices[i], samples->scale, real);
    regression_add(&own, values, real, n);
    evaluation->regression.n += own.n;
    evaluation->regression.absolute += own.absolute;
    evaluation->regression.squared += own.squared;
    if (evaluation->n_columns > 0) {
        evaluation->scores[evaluation->n_samples] = (float)regression_mse(&own);
        evaluation->positives[evaluation->n_samples] =
            dataset->labels[samples->indices[i]] == evaluation->positive;
    }
    arena_free(&scratch);
}

/* Room for `n` more boxes. */
static struct box *boxes_room(struct boxes *boxes, int64_t n, struct arena *arena)
{
    if (boxes->n + n > boxes->size) {
        int64_t size = 2 * boxes->size > boxes->n + n ? 2 * boxes->size : boxes->n + n;
        struct box *list = ARENA_ARRAY(arena, (size_t)size, struct box);
        if (boxes->n > 0)
            memcpy(list, boxes->list, (size_t)boxes->n * sizeof *list);
        boxes->list = list;
        boxes->size = size;
    }
    return boxes->list + boxes->n;
}

static void detect_add(struct evaluation *evaluation, const float *values, int32_t index)
{
    const struct dataset *dataset = evaluation->dataset;
    struct arena scratch = {0};
    struct box *found = ARENA_ARRAY(&scratch, (size_t)boxes_limit(&evaluation->grid), struct box);
    int64_t n = boxes_decode(&evaluation->grid, values, evaluation->n_samples, SCORE_MIN, found);
    n = boxes_suppress(found, n, SUPPRESSION_IOU);
    struct box *to = boxes_room(&evaluation->predicted, n, evaluation->arena);
    if (n > 0)
        memcpy(to, found, (size_t)n * sizeof *to);
    evaluation->predicted.n += n;
    to = boxes_room(&evaluation->truth, dataset->n_targets / 5, evaluation->arena);
    evaluation->truth.n +=
        boxes_of_targets(dataset->targets + (size_t)index * (size_t)dataset->n_targets,
                         dataset->n_targets, evaluation->n_samples, to);
    arena_free(&scratch);
}

void evaluation_add(struct evaluation *evaluation, const struct predictions *predictions,
                    const struct sample_set *samples)
{
    const struct dataset *dataset = evaluation->dataset;
    size_t n = (size_t)predictions->n_values;
    for (int32_t i = 0; i < samples->n; i++, evaluation->n_samples++) {
        const float *values = predictions->values + (size_t)i * n;
        int32_t index = samples->indices[i];
        switch (evaluation->task) {
        case EVAL_CLASSIFY:
            classify_add(evaluation, values, dataset->labels[index]);
            break;
        case EVAL_BINARY:
            binary_add(evaluation, values, index);
            break;
        case EVAL_REGRESS:
            regression_add(&evaluation->regression, values, dataset->targets + (size_t)index * n,
                           predictions->n_values);
            break;
        case EVAL_ANOMALY:
            anomaly_add(evaluation, values, samples, i);
            break;
        case EVAL_DETECT:
            detect_add(evaluation, values, index);
            break;
        case N_EVAL_TASKS:
            assert(0);
        }
    }
}

/* ---- results of ranking ---- */

double evaluation_auc(const struct evaluation *evaluation)
{
    struct arena scratch = {0};
    size_t n = (size_t)evaluation->n_samples, n_columns = (size_t)evaluation->n_columns;
    float *scores = ARENA_ARRAY(&scratch, n, float);
    int32_t *positives = ARENA_ARRAY(&scratch, n, int32_t), n_known = 0;
    double sum = 0;
    for (size_t column = 0; column < n_columns; column++) {
        for (size_t i = 0; i < n; i++) {
            scores[i] = evaluation->scores[i * n_columns + column];
            positives[i] = evaluation->positives[i * n_columns + column];
        }
        double auc = roc_auc(scores, positives, (int64_t)n);
        if (isnan(auc))
            continue;
        sum += auc;
        n_known++;
    }
    arena_free(&scratch);
    return n_known > 0 ? sum / n_known : (double)NAN;
}

double evaluation_error(const struct evaluation *evaluation, int is_positive)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t i = 0; evaluation->n_columns > 0 && i < evaluation->n_samples; i++)
        if (evaluation->positives[i] == is_positive) {
            sum += (double)evaluation->scores[i];
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}
