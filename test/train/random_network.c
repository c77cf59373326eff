/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "test/train/cases.h"

/* An activation 1 x h x w x c; its name is its number. */
struct value {
    int32_t h, w, c;
};

enum { MAX_VALUES = 40, MAX_CHANNELS = 24 };

struct maker {
    struct text text;
    struct random *random;
    struct value values[MAX_VALUES];
    int32_t n;
};

static int32_t pick(struct maker *m, int32_t low, int32_t high)
{
    return random_range(m->random, low, high);
}

/* The last activation more often than the others. */
static int32_t pick_value(struct maker *m)
{
    return pick(m, 0, 2) > 0 ? m->n - 1 : pick(m, 0, m->n - 1);
}

static const char *pick_activation(struct maker *m)
{
    static const char *const names[] = {"none", "relu", "relu6", "relu_n1_to_1"};
    return names[pick(m, 0, 5) % 4];
}

static int32_t declare(struct maker *m, int32_t h, int32_t w, int32_t c)
{
    m->values[m->n] = (struct value){h, w, c};
    text_printf(&m->text, "tensor \"%d\" f32 1x%dx%dx%d\n", m->n, h, w, c);
    return m->n++;
}

/* A convolution that keeps the image's size, or halves it. */
static int32_t make_conv_2d(struct maker *m, int32_t x, int32_t filters, int32_t kernel,
                            int32_t stride, const char *activation)
{
    struct value from = m->values[x];
    int32_t pad = kernel / 2;
    text_printf(&m->text, "tensor \"w%d\" f32 %dx%dx%dx%d init he_normal\n", m->n, filters, kernel,
                kernel, from.c);
    text_printf(&m->text, "tensor \"b%d\" f32 %d init zeros\n", m->n, filters);
    int32_t y = declare(m, (from.h - 1) / stride + 1, (from.w - 1) / stride + 1, filters);
    text_printf(&m->text,
                "node conv_2d n%d \"%d\" \"w%d\" \"b%d\" -> \"%d\" stride %d %d pads %d %d %d %d "
                "activation %s\n",
                y, x, y, y, y, stride, stride, pad, pad, pad, pad, activation);
    return y;
}

static void make_depthwise_conv_2d(struct maker *m, int32_t x)
{
    struct value from = m->values[x];
    int32_t multiplier = from.c <= MAX_CHANNELS / 2 ? pick(m, 1, 2) : 1;
    text_printf(&m->text, "tensor \"w%d\" f32 1x3x3x%d init he_normal\n", m->n,
                from.c * multiplier);
    int32_t y = declare(m, from.h, from.w, from.c * multiplier);
    text_printf(&m->text,
                "node depthwise_conv_2d n%d \"%d\" \"w%d\" -> \"%d\" pads 1 1 1 1 activation %s\n",
                y, x, y, y, pick_activation(m));
}

/* Behind a convolution without an activation, as in real networks: a channel that is nearly
 * constant would be normalized to rounding errors. */
static void make_batch_normalization(struct maker *m, int32_t before)
{
    int32_t x = make_conv_2d(m, before, m->values[before].c, pick(m, 0, 1) ? 3 : 1, 1, "none");
    struct value from = m->values[x];
    text_printf(&m->text, "tensor \"gamma%d\" f32 %d init ones\n", m->n, from.c);
    text_printf(&m->text, "tensor \"beta%d\" f32 %d init zeros\n", m->n, from.c);
    text_printf(&m->text, "tensor \"mean%d\" f32 %d init zeros\n", m->n, from.c);
    text_printf(&m->text, "tensor \"variance%d\" f32 %d init ones\n", m->n, from.c);
    int32_t y = declare(m, from.h, from.w, from.c);
    text_printf(&m->text,
                "node batch_normalization n%d \"%d\" \"gamma%d\" \"beta%d\" \"mean%d\" "
                "\"variance%d\" -> \"%d\" activation %s\n",
                y, x, y, y, y, y, y, pick_activation(m));
}

static void make_function(struct maker *m, int32_t x)
{
    static const char *const ops[] = {"relu", "relu6",      "leaky_relu", "logistic",
                                      "tanh", "hard_swish", "softmax"};
    int32_t op = pick(m, 0, 6);
    int32_t y = declare(m, m->values[x].h, m->values[x].w, m->values[x].c);
    text_printf(&m->text, "node %s n%d \"%d\" -> \"%d\"%s\n", ops[op], y, x, y,
                op == 2 ? " alpha 0.2" : "");
}

static void make_pool(struct maker *m, int32_t x)
{
    struct value from = m->values[x];
    int32_t stride = pick(m, 1, 2);
    int32_t y = declare(m, (from.h - 1) / stride + 1, (from.w - 1) / stride + 1, from.c);
    text_printf(&m->text,
                "node %s_pool_2d n%d \"%d\" -> \"%d\" window 3 3 pads 1 1 1 1 stride %d %d\n",
                pick(m, 0, 1) ? "max" : "average", y, x, y, stride, stride);
}

/* add, sub or mul with an earlier activation of the same image; a convolution fits its channels. */
static void make_residual(struct maker *m, int32_t x)
{
    static const char *const ops[] = {"add", "add", "sub", "mul"};
    struct value from = m->values[x];
    int32_t other = pick_value(m);
    if (m->values[other].h != from.h || m->values[other].w != from.w)
        other = x;
    if (m->values[other].c != from.c || other == x)
        other = make_conv_2d(m, other, from.c, 1, 1, pick_activation(m));
    int32_t y = declare(m, from.h, from.w, from.c);
    text_printf(&m->text, "node %s n%d \"%d\" \"%d\" -> \"%d\" activation %s\n", ops[pick(m, 0, 3)],
                y, x, other, y, pick_activation(m));
}

static void make_gate(struct maker *m, int32_t x)
{
    struct value from = m->values[x];
    int32_t mean = declare(m, 1, 1, from.c);
    text_printf(&m->text, "node mean n%d \"%d\" -> \"%d\" axes 6\n", mean, x, mean);
    int32_t conv = make_conv_2d(m, mean, from.c, 1, 1, "none");
    int32_t gate = declare(m, 1, 1, from.c);
    text_printf(&m->text, "node logistic n%d \"%d\" -> \"%d\"\n", gate, conv, gate);
    int32_t y = declare(m, from.h, from.w, from.c);
    text_printf(&m->text, "node mul n%d \"%d\" \"%d\" -> \"%d\"\n", y, x, gate, y);
}

static void make_concatenation(struct maker *m, int32_t x)
{
    struct value from = m->values[x];
    int32_t other = pick_value(m);
    if (m->values[other].h != from.h || m->values[other].w != from.w)
        other = x;
    int32_t y = declare(m, from.h, from.w, from.c + m->values[other].c);
    text_printf(&m->text, "node concatenation n%d \"%d\" \"%d\" -> \"%d\" axis 3\n", y, x, other,
                y);
}

static void make_some(struct maker *m)
{
    static const int32_t channels[] = {1, 3, 5, 8, 11, 16};
    int32_t x = pick_value(m), filters = channels[pick(m, 0, 5)];
    if (m->values[x].c > MAX_CHANNELS) {
        make_conv_2d(m, x, filters, 1, 1, pick_activation(m));
        return;
    }
    switch (pick(m, 0, 9)) {
    case 0:
        make_depthwise_conv_2d(m, x);
        break;
    case 1:
    case 2:
        if (m->values[x].h * m->values[x].w < 4) {
            make_conv_2d(m, x, filters, 1, 1, pick_activation(m));
            break;
        }
        make_batch_normalization(m, x);
        break;
    case 3:
        make_function(m, x);
        break;
    case 4:
        make_pool(m, x);
        break;
    case 5:
    case 6:
        make_residual(m, x);
        break;
    case 7:
        make_gate(m, x);
        break;
    case 8:
        make_concatenation(m, x);
        break;
    default:
        make_conv_2d(m, x, filters, pick(m, 0, 1) ? 3 : 1, pick(m, 1, 2), pick_activation(m));
        break;
    }
}

const char *train_random_network(struct random *random, struct arena *arena)
{
    struct maker m = {.text = text_start(arena), .random = random};
    text_printf(&m.text, "graph g\n");
    declare(&m, pick(&m, 4, 8), pick(&m, 4, 8), pick(&m, 1, 5));
    text_printf(&m.text, "input \"0\"\n");
    make_conv_2d(&m, 0, pick(&m, 3, 11), 3, 1, "none");
    for (int32_t nodes = pick(&m, 4, 9); nodes > 0; nodes--)
        make_some(&m);
    int32_t last = m.n - 1;
    text_printf(&m.text, "tensor \"w\" f32 10x%d init he_normal\n",
                m.values[last].h * m.values[last].w * m.values[last].c);
    text_printf(&m.text, "tensor \"b\" f32 10 init zeros\n");
    text_printf(&m.text, "tensor \"logits\" f32 1x10\n");
    text_printf(&m.text, "node fully_connected dense \"%d\" \"w\" \"b\" -> \"logits\"\n", last);
    text_printf(&m.text, "output \"logits\"");
    if (pick(&m, 0, 2) == 0)
        text_printf(&m.text, " \"%d\"", last);
    text_printf(&m.text, "\n");
    return m.text.data;
}
