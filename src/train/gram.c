/* SPDX-License-Identifier: Apache-2.0 */
#include "train/gram.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "train/network.h"

enum { MAX_ROWS = 65536, SHARD = 16, CHUNK = 512 };

/* Of OpenBLAS: products are the same bits with one thread, whatever the number of cores. Declared
 * here because cblas.h may be another library's. */
extern void openblas_set_num_threads(int n);

/* Activations of the samples at work. */
struct seen {
    int32_t tensor[2]; /* -1: not wanted */
    const float *values[2];
};

struct row {
    int32_t sample, position;
};

struct gathering {
    const struct gram_request *request;
    const struct node *node;
    const struct shape *input, *output, *weights;
    int64_t input_elements, n_positions; /* of a sample; positions of the output */
    struct seen dense, sparse;           /* the sum or the output; the input, the other summand */
    struct gram *gram;
    struct row *rows;
    double *x, *y;         /* rows of one group */
    const double *filters; /* what makes the outputs now; NULL: targets are as they are */
    double *made;          /* rows of one group: by them */
};

int gram_has(const struct node *node)
{
    return node->op == OP_conv_2d || node->op == OP_depthwise_conv_2d ||
           node->op == OP_fully_connected;
}

static int32_t maker_of(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].output == tensor)
            return i;
    return -1;
}

int32_t gram_sum(const struct graph *graph, int32_t node)
{
    int32_t output = graph->nodes[node].output, n_readers = 0, sum = -1;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        for (int32_t k = 0; k < graph->nodes[i].n_inputs; k++)
            if (graph->nodes[i].inputs[k] == output) {
                n_readers++;
                sum = i;
            }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        n_readers += graph->outputs[i] == output;
    if (n_readers != 1 || graph->nodes[sum].op != OP_add ||
        graph->nodes[node].attrs.activation != ACTIVATION_NONE)
        return -1;
    const int32_t *inputs = graph->nodes[sum].inputs;
    int32_t other = inputs[inputs[0] == output ? 1 : 0];
    const struct tensor *tensor = &graph->tensors[other];
    int fits = tensor->data == NULL && shape_equal(&tensor->shape, &graph->tensors[output].shape);
    return fits && maker_of(graph, other) < node ? sum : -1;
}

/* ---- rows ---- */

static void see(void *context, int32_t tensor, const float *values, int32_t n)
{
    (void)n;
    struct seen *seen = context;
    for (int k = 0; k < 2; k++)
        if (seen->tensor[k] == tensor)
            seen->values[k] = values;
}

/* What filters of the group read at a row; `x` has a column a weight. */
static void patch_read(const struct gathering *g, const struct row *row, int32_t group, double *x)
{
    const float *from = g->sparse.values[0] + row->sample * g->input_elements;
    const struct attrs *attrs = &g->node->attrs;
    if (g->node->op == OP_fully_connected) {
        int32_t n = g->weights->dims[1];
        for (int32_t i = 0; i < n; i++)
            x[i] = (double)from[(int64_t)row->position * n + i];
        return;
    }
    int32_t height = g->input->dims[1], width = g->input->dims[2], depth = g->input->dims[3];
    int depthwise = g->node->op == OP_depthwise_conv_2d;
    int32_t first = depthwise ? group / (g->gram->n_groups / depth) : 0, n = depthwise ? 1 : depth;
    int32_t top = row->position / g->output->dims[2] * attrs->stride[0] - attrs->pads[0];
    int32_t left = row->position % g->output->dims[2] * attrs->stride[1] - attrs->pads[2];
    for (int32_t kh = 0; kh < g->weights->dims[1]; kh++)
        for (int32_t kw = 0; kw < g->weights->dims[2]; kw++, x += n) {
            int32_t h = top + kh * attrs->dilation[0], w = left + kw * attrs->dilation[1];
            int inside = h >= 0 && h < height && w >= 0 && w < width;
            int64_t at = ((int64_t)h * width + w) * depth + first;
            for (int32_t i = 0; i < n; i++)
                x[i] = inside ? (double)from[at + i] : 0;
        }
}

/* Where the outputs of the group's filters stand. */
static int64_t output_at(const struct gathering *g, const struct row *row, int32_t group)
{
    int64_t n = g->gram->n_filters, n_outputs = n * g->gram->n_groups;
    return (row->sample * g->n_positions + row->position) * n_outputs + group * n;
}

/* What filters of the group should make of it. */
static void target_read(const struct gathering *g, const struct row *row, int32_t group, double *y)
{
    int32_t n = g->gram->n_filters;
    int64_t at = output_at(g, row, group);
    for (int32_t o = 0; o < n; o++) {
        y[o] = (double)g->dense.values[0][at + o];
        if (g->request->sum >= 0)
            y[o] -= (double)g->sparse.values[1][at + o];
    }
}

static int has_limits(enum activation activation)
{
    return activation == ACTIVATION_RELU || activation == ACTIVATION_RELU6;
}

/* The node whose activation is behind the layer. */
static const struct node *last_node(const struct gram_request *request)
{
    return &request->dense->nodes[request->sum >= 0 ? request->sum : request->node];
}

/* What is to be made of one output, when `made` is made of it now and `wanted` before. A sum's
 * other part, `other`, counts for the limits. */
static double retarget(enum activation activation, double wanted, double made, double other)
{
    double high = activation == ACTIVATION_RELU6 ? 6 - other : (double)INFINITY, low = -other;
    if (wanted <= low)
        return made <= low ? made : low;
    if (wanted >= high)
        return made >= high ? made : high;
    return wanted;
}

static void targets_change(struct gathering *g, const struct row *rows, int32_t n, int32_t group)
{
    const struct gram *gram = g->gram;
    int32_t columns = gram->n_columns, filters = gram->n_filters;
    const double *weights = g->filters + (int64_t)group * filters * columns;
    enum activation activation = last_node(g->request)->attrs.activation;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, filters, columns, 1, g->x, columns,
                weights, columns, 0, g->made, filters);
    for (int32_t r = 0; r < n; r++)
        for (int32_t o = 0; o < filters; o++) {
            int64_t at = output_at(g, &rows[r], group) + o, k = (int64_t)r * filters + o;
            double other = g->request->sum >= 0 ? (double)g->sparse.values[1][at] : 0;
            g->y[k] = retarget(activation, g->y[k], g->made[k], other);
        }
}

/* Adds rows to the sums of all groups. */
static void rows_add(struct gathering *g, const struct row *rows, int32_t n)
{
    struct gram *gram = g->gram;
    int32_t columns = gram->n_columns, filters = gram->n_filters;
    for (int32_t group = 0; group < gram->n_groups; group++) {
        for (int32_t r = 0; r < n; r++) {
            patch_read(g, &rows[r], group, g->x + (int64_t)r * columns);
            g->x[(int64_t)r * columns + columns - 1] = 1;
            target_read(g, &rows[r], group, g->y + (int64_t)r * filters);
        }
        if (g->filters != NULL)
            targets_change(g, rows, n, group);
        else
            cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, columns, n, 1, g->x, columns, 1,
                        gram->xx + (int64_t)group * columns * columns, columns);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, filters, columns, n, 1, g->y, filters,
                    g->x, columns, 1, gram->xy + (int64_t)group * filters * columns, columns);
        for (int32_t i = 0; i < n * filters; i++)
            gram->yy[group * filters + i % filters] += g->y[i] * g->y[i];
    }
    gram->n_rows += n;
}

/* All positions of a sample, or `wanted` of them, each from its share of the positions. */
static int32_t rows_choose(const struct gathering *g, int32_t sample, int64_t wanted,
                           struct random *random, struct row *rows)
{
    double step = (double)g->n_positions / (double)wanted;
    for (int64_t i = 0; i < wanted; i++) {
        double within = (double)(random_bits(random) >> 11) / (double)(UINT64_C(1) << 53);
        int64_t position = wanted == g->n_positions ? i : (int64_t)(((double)i + within) * step);
        if (position >= g->n_positions)
            position = g->n_positions - 1;
        rows[i] = (struct row){sample, (int32_t)position};
    }
    return (int32_t)wanted;
}

static void samples_add(struct gathering *g, struct network *dense, struct network *sparse)
{
    const struct gram_request *request = g->request;
    int64_t elements = shape_elements(&request->dense->tensors[request->dense->inputs[0]].shape);
    int64_t most = request->max_rows > 0 ? request->max_rows : MAX_ROWS;
    int64_t wanted = most / request->n;
    wanted = wanted < 1 ? 1 : wanted > g->n_positions ? g->n_positions : wanted;
    struct random random = {1};
    for (int32_t first = 0; first < request->n; first += SHARD) {
        int32_t n = request->n - first < SHARD ? request->n - first : SHARD, n_rows = 0;
        const float *samples = request->samples + first * elements;
        network_observe(dense, samples, n, see, &g->dense);
        network_observe(sparse, samples, n, see, &g->sparse);
        for (int32_t i = 0; i < n; i++)
            n_rows += rows_choose(g, i, wanted, &random, g->rows + n_rows);
        for (int32_t at = 0; at < n_rows; at += CHUNK)
            rows_add(g, g->rows + at, n_rows - at < CHUNK ? n_rows - at : CHUNK);
    }
}

/* ---- sums ---- */

static struct gram gram_start(const struct node *node, const struct shape *weights,
                              struct arena *arena)
{
    struct gram gram = {.n_groups = 1, .n_filters = weights->dims[0]};
    int64_t columns = shape_elements(weights) / weights->dims[0] + 1;
    if (node->op == OP_depthwise_conv_2d) {
        gram.n_groups = weights->dims[3];
        gram.n_filters = 1;
        columns = (int64_t)weights->dims[1] * weights->dims[2] + 1;
    }
    size_t n = (size_t)gram.n_groups * (size_t)gram.n_filters;
    gram.n_columns = (int32_t)columns;
    gram.xx = ARENA_ARRAY(arena, (size_t)gram.n_groups * (size_t)(columns * columns), double);
    gram.xy = ARENA_ARRAY(arena, n * (size_t)columns, double);
    gram.yy = ARENA_ARRAY(arena, n, double);
    return gram;
}

/* From sums to means. */
static void targets_finish(struct gram *gram)
{
    int64_t filters = (int64_t)gram->n_groups * gram->n_filters;
    for (int64_t i = 0; i < filters * gram->n_columns; i++)
        gram->xy[i] /= (double)gram->n_rows;
    for (int64_t i = 0; i < filters; i++)
        gram->yy[i] /= (double)gram->n_rows;
}

/* From sums of the upper triangle to means of the whole. */
static void matrices_finish(struct gram *gram)
{
    int64_t n = gram->n_columns;
    for (int32_t group = 0; group < gram->n_groups; group++) {
        double *xx = gram->xx + group * n * n;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = i; j < n; j++)
                xx[j * n + i] = xx[i * n + j] /= (double)gram->n_rows;
    }
}

/* The graph with the node's activation taken off. */
static struct graph linear_at(const struct graph *graph, int32_t node, struct arena *arena)
{
    struct graph linear = *graph;
    linear.nodes = arena_copy(arena, graph->nodes, (size_t)graph->n_nodes * sizeof *graph->nodes);
    linear.nodes[node].attrs.activation = ACTIVATION_NONE;
    return linear;
}

static struct gathering gathering_of(const struct gram_request *request, struct gram *gram,
                                     struct arena *arena)
{
    const struct graph *graph = request->sparse;
    const struct node *node = &graph->nodes[request->node];
    const struct node *made = last_node(request);
    struct gathering g = {
        .request = request,
        .node = node,
        .input = &node_input(graph, node, 0)->shape,
        .output = &node_output(graph, node)->shape,
        .weights = &node_input(graph, node, 1)->shape,
        .dense = {{made->output, -1}, {NULL, NULL}},
        .sparse = {{node->inputs[0], -1}, {NULL, NULL}},
        .gram = gram,
    };
    if (request->sum >= 0)
        g.sparse.tensor[1] = made->inputs[made->inputs[0] == node->output ? 1 : 0];
    g.input_elements = shape_elements(g.input);
    g.n_positions = shape_elements(g.output) / ((int64_t)gram->n_filters * gram->n_groups);
    g.rows = ARENA_ARRAY(arena, (size_t)(SHARD * g.n_positions), struct row);
    g.x = ARENA_ARRAY(arena, CHUNK * (size_t)gram->n_columns, double);
    g.y = ARENA_ARRAY(arena, CHUNK * (size_t)gram->n_filters, double);
    g.made = ARENA_ARRAY(arena, CHUNK * (size_t)gram->n_filters, double);
    return g;
}

/* Runs both graphs and adds all rows. */
static enum status rows_gather(const struct gram_request *request, const double *filters,
                               struct gram *gram, struct diag *diag)
{
    struct arena scratch = {0};
    struct gathering g = gathering_of(request, gram, &scratch);
    struct graph linear =
        linear_at(request->dense, request->sum >= 0 ? request->sum : request->node, &scratch);
    struct network_options options = {.n_threads = 1, .n_heads = 1, .heads = g.dense.tensor};
    struct network *dense = NULL, *sparse = NULL;
    g.filters = filters;
    enum status status = network_make(&linear, &options, &dense, diag);
    options.heads = g.sparse.tensor;
    options.n_heads = request->sum >= 0 ? 2 : 1;
    if (status == OK)
        status = network_make(request->sparse, &options, &sparse, diag);
    if (status == OK)
        samples_add(&g, dense, sparse);
    network_free(dense);
    network_free(sparse);
    arena_free(&scratch);
    return status;
}

enum status gram_measure(const struct gram_request *request, struct arena *arena, struct gram *gram,
                         struct diag *diag)
{
    const struct node *node = &request->sparse->nodes[request->node];
    assert(gram_has(node) && request->n > 0);
    openblas_set_num_threads(1);
    *gram = gram_start(node, &node_input(request->sparse, node, 1)->shape, arena);
    TRY(rows_gather(request, NULL, gram, diag));
    targets_finish(gram);
    matrices_finish(gram);
    return OK;
}

enum status gram_retarget(const struct gram_request *request, const double *filters,
                          struct gram *gram, struct diag *diag)
{
    size_t n = (size_t)gram->n_groups * (size_t)gram->n_filters;
    if (!has_limits(last_node(request)->attrs.activation))
        return OK;
    memset(gram->xy, 0, n * (size_t)gram->n_columns * sizeof *gram->xy);
    memset(gram->yy, 0, n * sizeof *gram->yy);
    gram->n_rows = 0;
    TRY(rows_gather(request, filters, gram, diag));
    targets_finish(gram);
    return OK;
}

double gram_error(const struct gram *gram, int32_t group, int32_t filter, const double *weights)
{
    int64_t n = gram->n_columns, f = (int64_t)group * gram->n_filters + filter;
    const double *xx = gram->xx + group * n * n, *xy = gram->xy + f * n;
    double error = gram->yy[f];
    for (int64_t i = 0; i < n; i++) {
        double row = cblas_ddot((int)n, xx + i * n, 1, weights, 1);
        error += weights[i] * (row - 2 * xy[i]);
    }
    return error;
}
