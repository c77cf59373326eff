/* SPDX-License-Identifier: Apache-2.0 */
#include "train/repair.h"

#include <math.h>
#include <string.h>

#include "train/filters.h"
#include "train/network.h"
#include "train/outputs.h"

enum { BATCH = 16 };

/* A repair must gain this share of the error; a gain must be within these limits. */
static const double LEAST_GAIN = 1e-3, LOW = 0.5, HIGH = 2;

/* Of the channels of one layer. */
struct moments {
    int32_t tensor, n_channels;
    int64_t elements, n; /* of a sample; seen, of a channel */
    double *mean, *square;
};

static void see(void *context, int32_t tensor, const float *values, int32_t n)
{
    struct moments *to = context;
    if (tensor != to->tensor)
        return;
    for (int64_t i = 0; i < n * to->elements; i += to->n_channels)
        for (int32_t c = 0; c < to->n_channels; c++) {
            double value = (double)values[i + c];
            to->mean[c] += value;
            to->square[c] += value * value;
        }
    to->n += n * to->elements / to->n_channels;
}

/* Of what the layer makes before its activation. */
static enum status moments_measure(const struct graph *graph, int32_t node,
                                   const struct repair *repair, struct arena *arena,
                                   struct moments *moments, struct diag *diag)
{
    struct graph linear = *graph;
    const struct shape *shape = &node_output(graph, &graph->nodes[node])->shape;
    struct network *network;
    int64_t elements = shape_elements(&graph->tensors[graph->inputs[0]].shape);
    linear.nodes = arena_copy(arena, graph->nodes, (size_t)graph->n_nodes * sizeof *graph->nodes);
    linear.nodes[node].attrs.activation = ACTIVATION_NONE;
    *moments = (struct moments){.tensor = graph->nodes[node].output,
                                .n_channels = shape->dims[shape->rank - 1],
                                .elements = shape_elements(shape)};
    moments->mean = ARENA_ARRAY(arena, (size_t)moments->n_channels, double);
    moments->square = ARENA_ARRAY(arena, (size_t)moments->n_channels, double);
    const struct network_options options = {
        .n_threads = 1, .n_heads = 1, .heads = &moments->tensor};
    TRY(network_make(&linear, &options, &network, diag));
    for (int32_t i = 0; i < repair->n_samples; i += BATCH) {
        int32_t left = repair->n_samples - i;
        network_observe(network, repair->samples + i * elements, left < BATCH ? left : BATCH, see,
                        moments);
    }
    network_free(network);
    for (int32_t c = 0; c < moments->n_channels; c++) {
        moments->mean[c] /= (double)moments->n;
        moments->square[c] /= (double)moments->n;
    }
    return OK;
}

static double variance(const struct moments *of, int32_t channel)
{
    return of->square[channel] - of->mean[channel] * of->mean[channel];
}

/* The gain that brings the standard deviation back; none for channels that do not vary. */
static double gain_of(const struct moments *dense, const struct moments *now, int32_t channel)
{
    double wanted = variance(dense, channel), is = variance(now, channel);
    if (!(is > 1e-12 * now->square[channel]) || !(wanted > 0))
        return 1;
    double gain = sqrt(wanted / is);
    return gain < LOW ? LOW : gain > HIGH ? HIGH : gain;
}

static void filters_repair(double *filters, int64_t columns, const struct moments *dense,
                           const struct moments *now, int with_gain)
{
    for (int32_t c = 0; c < now->n_channels; c++) {
        double *filter = filters + c * columns;
        double gain = with_gain ? gain_of(dense, now, c) : 1;
        for (int64_t i = 0; i < columns; i++)
            filter[i] *= gain;
        filter[columns - 1] += dense->mean[c] - gain * now->mean[c];
    }
}

/* Tries a repair of the layer; keeps it when the outputs gain. */
static enum status layer_try(struct draft *draft, int32_t node, const struct repair *repair,
                             const struct outputs *outputs, int with_gain, double *error, int *kept,
                             struct diag *diag)
{
    struct arena scratch = {0};
    struct moments dense, now;
    struct draft tried = draft_start(&draft->graph, &scratch);
    const struct tensor *weights = node_input(&draft->graph, &draft->graph.nodes[node], 1);
    double tried_error = 0;
    enum status status = moments_measure(repair->dense, node, repair, &scratch, &dense, diag);
    if (status == OK)
        status = moments_measure(&draft->graph, node, repair, &scratch, &now, diag);
    if (status == OK) {
        int64_t columns = shape_elements(&weights->shape) / now.n_channels + 1;
        double *filters = filters_read(&draft->graph, node, &scratch);
        filters_repair(filters, columns, &dense, &now, with_gain);
        filters_write(&tried, node, filters);
        status = outputs_error(outputs, &tried.graph, &tried_error, diag);
        *kept = status == OK && tried_error < *error * (1 - LEAST_GAIN);
        if (*kept) {
            filters_write(draft, node, filters);
            *error = tried_error;
        }
    }
    arena_free(&scratch);
    return status;
}

enum status repair_channels(struct draft *draft, const struct repair *repair, struct diag *diag)
{
    struct arena scratch = {0};
    struct outputs outputs;
    double error = 0;
    enum status status =
        outputs_make(repair->dense, repair->held_out, repair->n_held_out, &scratch, &outputs, diag);
    if (status == OK)
        status = outputs_error(&outputs, &draft->graph, &error, diag);
    for (int32_t i = 0; i < draft->graph.n_nodes && status == OK; i++) {
        int kept = 0;
        if (!repair->layers[i])
            continue;
        if (!repair->keeps_weights)
            status = layer_try(draft, i, repair, &outputs, 1, &error, &kept, diag);
        if (status == OK && !kept)
            status = layer_try(draft, i, repair, &outputs, 0, &error, &kept, diag);
    }
    arena_free(&scratch);
    return status;
}
