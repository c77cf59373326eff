/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "command/eval.h"
#include "report/report.h"

/* Up to so many classes have a table of what is taken for what: for people, for programs. */
enum { CONFUSION_CLASSES = 20, CONFUSION_JSON_CLASSES = 1000 };

#define IOU (EVAL_DETECTION_IOU_PERCENT / 100.0)

/* How many k there are figures for: 1, and more where there are classes enough to tell. */
static int32_t top_count(const struct classification *c)
{
    return c->n_classes >= 6 ? TOP_K_MAX : 1;
}

/* NULL when it has none. */
static const char *class_name(const struct dataset *dataset, int32_t label)
{
    if (dataset->class_names == NULL || label >= dataset->n_classes)
        return NULL;
    return dataset->class_names[label];
}

static double class_precision(const struct evaluation *e, int32_t label)
{
    return average_precision(e->predicted.list, e->predicted.n, e->truth.list, e->truth.n, label,
                             IOU);
}

static double mean_precision(const struct evaluation *e)
{
    return mean_average_precision(e->predicted.list, e->predicted.n, e->truth.list, e->truth.n,
                                  e->grid.n_classes, IOU);
}

static int64_t class_boxes(const struct boxes *boxes, int32_t label)
{
    int64_t n = 0;
    for (int64_t i = 0; i < boxes->n; i++)
        n += boxes->list[i].label == label;
    return n;
}

/* ---- for programs ---- */

/* null for what is not known. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void set(json_t *json, const char *key, double value)
{
    json_object_set_new(json, key, number(value));
}

static json_t *classes_json(const struct evaluation *e)
{
    const struct classification *c = &e->classification;
    json_t *classes = json_array();
    for (int32_t i = 0; i < c->n_classes; i++) {
        struct class_quality q = classification_class(c, i);
        json_array_append_new(classes, json_pack("{s:i, s:s?, s:I, s:I, s:f, s:f, s:f}", "class", i,
                                                 "name", class_name(e->dataset, i), "n_samples",
                                                 (json_int_t)q.n_labels, "n_predictions",
                                                 (json_int_t)q.n_predictions, "precision",
                                                 q.precision, "recall", q.recall, "f1", q.f1));
    }
    return classes;
}

/* [label][prediction] */
static json_t *confusion_json(const struct classification *c)
{
    json_t *rows = json_array();
    for (int64_t i = 0; i < c->n_classes; i++) {
        json_t *row = json_array();
        for (int64_t j = 0; j < c->n_classes; j++)
            json_array_append_new(row, json_integer(c->confusion[i * c->n_classes + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void classification_json(const struct evaluation *e, json_t *json)
{
    const struct classification *c = &e->classification;
    json_t *top = json_array();
    for (int32_t k = 1; k <= top_count(c); k++)
        json_array_append_new(top, number(classification_top(c, k)));
    json_object_set_new(json, "n_right", json_integer(c->top[0]));
    set(json, "accuracy", classification_top(c, 1));
    json_object_set_new(json, "top", top);
    set(json, "macro_f1", classification_macro_f1(c));
    if (e->n_columns > 0)
        set(json, "roc_auc", evaluation_auc(e));
    json_object_set_new(json, "classes", classes_json(e));
    if (c->n_classes <= CONFUSION_JSON_CLASSES)
        json_object_set_new(json, "confusion", confusion_json(c));
}

static void detection_json(const struct evaluation *e, json_t *json)
{
    json_t *classes = json_array();
    for (int32_t i = 0; i < e->grid.n_classes; i++)
        json_array_append_new(classes,
                              json_pack("{s:i, s:I, s:I, s:o}", "class", i, "n_boxes",
                                        (json_int_t)class_boxes(&e->truth, i), "n_predictions",
                                        (json_int_t)class_boxes(&e->predicted, i),
                                        "average_precision", number(class_precision(e, i))));
    set(json, "iou", IOU);
    set(json, "map", mean_precision(e));
    json_object_set_new(json, "classes", classes);
}

static void task_json(const struct evaluation *e, json_t *json)
{
    switch (e->task) {
    case EVAL_CLASSIFY:
    case EVAL_BINARY:
        classification_json(e, json);
        break;
    case EVAL_REGRESS:
        set(json, "mean_absolute_error", regression_mae(&e->regression));
        set(json, "mean_squared_error", regression_mse(&e->regression));
        break;
    case EVAL_ANOMALY:
        set(json, "mean_squared_error", regression_mse(&e->regression));
        if (e->n_columns == 0)
            break;
        set(json, "mean_squared_error_normal", evaluation_error(e, 0));
        set(json, "mean_squared_error_anomaly", evaluation_error(e, 1));
        set(json, "roc_auc", evaluation_auc(e));
        break;
    case EVAL_DETECT:
        detection_json(e, json);
        break;
    case N_EVAL_TASKS:
        break;
    }
}

json_t *eval_json(const struct eval_facts *facts, struct arena *arena)
{
    const struct eval_request *request = facts->request;
    (void)arena;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "model", request->model, "type",
        facts->is_int8 ? "int8" : "float", "data", request->data.path, "part", request->part,
        "task", eval_task_name(facts->evaluation->task), "on",
        request->target != NULL ? request->target->name : "host", "n_samples", facts->samples->n,
        "n_available", facts->n_available, "input_scale", (double)facts->samples->scale.scale,
        "input_offset", (double)facts->samples->scale.offset);
    task_json(facts->evaluation, json);
    if (facts->device != NULL) {
        json_object_set_new(json, "n_equal", json_integer(facts->device->n_equal));
        json_object_set_new(json, "instructions", json_integer(facts->device->instructions));
    }
    return json;
}

/* ---- for people ---- */

/* A fraction as "87.19 %", or "-" when it is not known. */
static const char *percent(struct arena *arena, double fraction)
{
    return isnan(fraction) ? "-" : arena_printf(arena, "%.2f %%", 100 * fraction);
}

static const char *figure(struct arena *arena, double value)
{
    return isnan(value) ? "-" : arena_printf(arena, "%.6g", value);
}

static void print_classes(const struct evaluation *e, struct arena *arena, struct text *text)
{
    static const char *const HEADS[] = {"class", "name", "samples", "precision", "recall", "F1"};
    const struct classification *c = &e->classification;
    struct table *table = table_start(arena, "rlrrrr");
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_cell(table, "%s", HEADS[i]);
    table_rule(table);
    for (int32_t i = 0; i < c->n_classes; i++) {
        struct class_quality q = classification_class(c, i);
        table_cell(table, "%d", i);
        const char *name = class_name(e->dataset, i);
        table_cell(table, "%s", name != NULL ? name : "-");
        table_cell(table, "%s", thousands(arena, q.n_labels));
        table_cell(table, "%s", percent(arena, q.precision));
        table_cell(table, "%s", percent(arena, q.recall));
        table_cell(table, "%s", percent(arena, q.f1));
    }
    text_printf(text, "\n");
    table_print(table, text);
}

static void print_confusion(const struct classification *c, struct arena *arena, struct text *text)
{
    char columns[CONFUSION_CLASSES + 2] = "r";
    for (int32_t i = 0; i < c->n_classes; i++)
        columns[i + 1] = 'r';
    struct table *table = table_start(arena, columns);
    table_cell(table, "label");
    for (int32_t i = 0; i < c->n_classes; i++)
        table_cell(table, "%d", i);
    table_rule(table);
    for (int64_t i = 0; i < c->n_classes; i++) {
        table_cell(table, "%lld", (long long)i);
        for (int64_t j = 0; j < c->n_classes; j++)
            table_cell(table, "%lld", (long long)c->confusion[i * c->n_classes + j]);
    }
    text_printf(text, "\nlabels (rows) and what was predicted (columns)\n\n");
    table_print(table, text);
}

static void print_classification(const struct evaluation *e, struct arena *arena, struct text *text)
{
    const struct classification *c = &e->classification;
    text_printf(text, "accuracy  %s (%s of %s)\n", percent(arena, classification_top(c, 1)),
                thousands(arena, c->top[0]), thousands(arena, c->n_samples));
    for (int32_t k = 2; k <= top_count(c); k++)
        text_printf(text, "top-%d     %s\n", k, percent(arena, classification_top(c, k)));
    text_printf(text, "macro-F1  %s\n", percent(arena, classification_macro_f1(c)));
    if (e->n_columns > 0)
        text_printf(text, "ROC AUC   %s\n", figure(arena, evaluation_auc(e)));
    print_classes(e, arena, text);
    if (c->n_classes <= CONFUSION_CLASSES)
        print_confusion(c, arena, text);
}

static void print_anomaly(const struct evaluation *e, struct arena *arena, struct text *text)
{
    text_printf(text, "error     %s (mean squared, of the reconstruction)\n",
                figure(arena, regression_mse(&e->regression)));
    if (e->n_columns == 0)
        return;
    text_printf(text, "          normal %s, anomaly %s\n", figure(arena, evaluation_error(e, 0)),
                figure(arena, evaluation_error(e, 1)));
    const char *name = class_name(e->dataset, e->positive);
    text_printf(text, "ROC AUC   %s (anomaly: class %d%s%s)\n", figure(arena, evaluation_auc(e)),
                e->positive, name != NULL ? ", " : "", name != NULL ? name : "");
}

static void print_detection(const struct evaluation *e, struct arena *arena, struct text *text)
{
    struct table *table = table_start(arena, "rrrr");
    text_printf(text, "mAP       %s (IoU %.1f; %s boxes)\n\n", percent(arena, mean_precision(e)),
                IOU, thousands(arena, e->truth.n));
    table_cell(table, "class");
    table_cell(table, "boxes");
    table_cell(table, "predicted");
    table_cell(table, "AP");
    table_rule(table);
    for (int32_t i = 0; i < e->grid.n_classes; i++) {
        table_cell(table, "%d", i);
        table_cell(table, "%s", thousands(arena, class_boxes(&e->truth, i)));
        table_cell(table, "%s", thousands(arena, class_boxes(&e->predicted, i)));
        table_cell(table, "%s", percent(arena, class_precision(e, i)));
    }
    table_print(table, text);
}

static void print_task(const struct evaluation *e, struct arena *arena, struct text *text)
{
    switch (e->task) {
    case EVAL_CLASSIFY:
    case EVAL_BINARY:
        print_classification(e, arena, text);
        break;
    case EVAL_REGRESS:
        text_printf(text, "error     mean absolute %s, mean squared %s\n",
                    figure(arena, regression_mae(&e->regression)),
                    figure(arena, regression_mse(&e->regression)));
        break;
    case EVAL_ANOMALY:
        print_anomaly(e, arena, text);
        break;
    case EVAL_DETECT:
        print_detection(e, arena, text);
        break;
    case N_EVAL_TASKS:
        break;
    }
}

void eval_print(const struct eval_facts *facts, struct arena *arena)
{
    const struct eval_request *request = facts->request;
    const struct evaluation *e = facts->evaluation;
    int32_t n = facts->samples->n;
    struct text text = text_start(arena);
    text_printf(&text, "model     %s, %s, on %s\n", request->model,
                facts->is_int8 ? "int8" : "float",
                request->target != NULL ? request->target->name : "host");
    text_printf(&text, "data      %s (%s), %s part\n", request->data.path, e->dataset->format,
                request->part);
    text_printf(&text, "samples   %s", thousands(arena, n));
    if (n < facts->n_available)
        text_printf(&text, " of %s, evenly spread (--limit)", thousands(arena, facts->n_available));
    text_printf(&text, "\ninput     %.6g * stored %c %.6g\n", (double)facts->samples->scale.scale,
                facts->samples->scale.offset < 0 ? '-' : '+',
                fabs((double)facts->samples->scale.offset));
    text_printf(&text, "task      %s\n", eval_task_name(e->task));
    print_task(e, arena, &text);
    if (facts->device != NULL)
        text_printf(&text,
                    "\nequal to the host in every output byte: %d of %d samples\n"
                    "instructions  %s (first sample)\n",
                    facts->device->n_equal, n, thousands(arena, facts->device->instructions));
    fwrite(text.data, 1, text.length, stdout);
}
