/* SPDX-License-Identifier: Apache-2.0 */
/* Float networks in the text form, built a layer at a time, untrained: small ones of the kinds that
 * coupling and shrinking must understand. */
#ifndef DTMM_TEST_UNIT_NETWORKS_H
#define DTMM_TEST_UNIT_NETWORKS_H

#include "base/text.h"

/* An activation 1 x h x w x c; its name is its number. The node that makes it is n<number>. */
struct net_value {
    int id, h, w, c;
};

struct net {
    struct text text;
    int n; /* activations */
};

static inline struct net net_start(struct arena *arena)
{
    struct net net = {.text = text_start(arena)};
    text_printf(&net.text, "graph net\n");
    return net;
}

static inline struct net_value net_declare(struct net *net, int h, int w, int c)
{
    text_printf(&net->text, "tensor \"%d\" f32 1x%dx%dx%d\n", net->n, h, w, c);
    return (struct net_value){net->n++, h, w, c};
}

static inline struct net_value net_input(struct net *net, int h, int w, int c)
{
    struct net_value x = net_declare(net, h, w, c);
    text_printf(&net->text, "input \"%d\"\n", x.id);
    return x;
}

/* With a bias; the image keeps its size, or is halved by stride 2. */
static inline struct net_value net_conv(struct net *net, struct net_value x, int filters,
                                        int kernel, int stride, const char *activation)
{
    int pad = kernel / 2, id = net->n;
    text_printf(&net->text, "tensor \"w%d\" f32 %dx%dx%dx%d init he_normal\n", id, filters, kernel,
                kernel, x.c);
    text_printf(&net->text, "tensor \"b%d\" f32 %d init zeros\n", id, filters);
    struct net_value y = net_declare(net, (x.h - 1) / stride + 1, (x.w - 1) / stride + 1, filters);
    text_printf(&net->text,
                "node conv_2d n%d \"%d\" \"w%d\" \"b%d\" -> \"%d\" stride %d %d pads %d %d %d %d "
                "activation %s\n",
                id, x.id, id, id, id, stride, stride, pad, pad, pad, pad, activation);
    return y;
}

static inline struct net_value net_depthwise(struct net *net, struct net_value x, int multiplier,
                                             int stride)
{
    int id = net->n;
    text_printf(&net->text, "tensor \"w%d\" f32 1x3x3x%d init he_normal\n", id, x.c * multiplier);
    struct net_value y =
        net_declare(net, (x.h - 1) / stride + 1, (x.w - 1) / stride + 1, x.c * multiplier);
    text_printf(&net->text,
                "node depthwise_conv_2d n%d \"%d\" \"w%d\" -> \"%d\" stride %d %d pads 1 1 1 1\n",
                id, x.id, id, id, stride, stride);
    return y;
}

static inline struct net_value net_norm(struct net *net, struct net_value x, const char *activation)
{
    static const char *const names[] = {"gamma", "beta", "mean", "variance"};
    int id = net->n;
    for (int i = 0; i < 4; i++)
        text_printf(&net->text, "tensor \"%s%d\" f32 %d init %s\n", names[i], id, x.c,
                    i % 3 == 0 ? "ones" : "zeros");
    struct net_value y = net_declare(net, x.h, x.w, x.c);
    text_printf(&net->text,
                "node batch_normalization n%d \"%d\" \"gamma%d\" \"beta%d\" \"mean%d\" "
                "\"variance%d\" -> \"%d\" activation %s\n",
                id, x.id, id, id, id, id, id, activation);
    return y;
}

/* A node with one or two inputs, `rest` has its attributes. */
static inline struct net_value net_node(struct net *net, const char *op, const struct net_value *in,
                                        const struct net_value *in_2, struct net_value shape,
                                        const char *rest)
{
    struct net_value y = net_declare(net, shape.h, shape.w, shape.c);
    text_printf(&net->text, "node %s n%d \"%d\"", op, y.id, in->id);
    if (in_2)
        text_printf(&net->text, " \"%d\"", in_2->id);
    text_printf(&net->text, " -> \"%d\" %s\n", y.id, rest);
    return y;
}

static inline struct net_value net_add(struct net *net, struct net_value a, struct net_value b,
                                       const char *activation)
{
    return net_node(net, "add", &a, &b, a,
                    arena_printf(net->text.arena, "activation %s", activation));
}

static inline struct net_value net_concat(struct net *net, struct net_value a, struct net_value b)
{
    return net_node(net, "concatenation", &a, &b, (struct net_value){0, a.h, a.w, a.c + b.c},
                    "axis 3");
}

static inline struct net_value net_mean(struct net *net, struct net_value x)
{
    return net_node(net, "mean", &x, NULL, (struct net_value){0, 1, 1, x.c}, "axes 6");
}

static inline struct net_value net_max_pool(struct net *net, struct net_value x)
{
    return net_node(net, "max_pool_2d", &x, NULL, (struct net_value){0, x.h / 2, x.w / 2, x.c},
                    "window 2 2 stride 2 2");
}

/* Over all elements, as one row. */
static inline struct net_value net_dense(struct net *net, struct net_value x, int outputs)
{
    int id = net->n++;
    text_printf(&net->text, "tensor \"w%d\" f32 %dx%d init glorot_uniform\n", id, outputs,
                x.h * x.w * x.c);
    text_printf(&net->text, "tensor \"b%d\" f32 %d init zeros\n", id, outputs);
    text_printf(&net->text, "tensor \"%d\" f32 1x%d\n", id, outputs);
    text_printf(&net->text, "node fully_connected n%d \"%d\" \"w%d\" \"b%d\" -> \"%d\"\n", id, x.id,
                id, id, id);
    return (struct net_value){id, 1, 1, outputs};
}

static inline const char *net_finish(struct net *net, struct net_value output)
{
    text_printf(&net->text, "output \"%d\"\n", output.id);
    return net->text.data;
}

/* ---- networks ---- */

static inline struct net_value net_separable(struct net *net, struct net_value x, int filters,
                                             int stride)
{
    x = net_norm(net, net_depthwise(net, x, 1, stride), "relu6");
    return net_norm(net, net_conv(net, x, filters, 1, 1, "none"), "relu6");
}

static inline const char *mobilenet_v1(struct arena *arena)
{
    struct net net = net_start(arena);
    struct net_value x = net_input(&net, 16, 16, 3);
    x = net_norm(&net, net_conv(&net, x, 8, 3, 2, "none"), "relu6");
    x = net_separable(&net, x, 16, 1);
    x = net_separable(&net, x, 24, 2);
    x = net_separable(&net, x, 24, 1);
    return net_finish(&net, net_dense(&net, net_mean(&net, x), 5));
}

/* Expand, filter, project; with a shortcut where the shapes allow. */
static inline struct net_value net_inverted_residual(struct net *net, struct net_value x,
                                                     int filters, int stride)
{
    struct net_value y = net_norm(net, net_conv(net, x, 3 * x.c, 1, 1, "none"), "relu6");
    y = net_norm(net, net_depthwise(net, y, 1, stride), "relu6");
    y = net_norm(net, net_conv(net, y, filters, 1, 1, "none"), "none");
    return stride == 1 && filters == x.c ? net_add(net, x, y, "none") : y;
}

static inline const char *mobilenet_v2(struct arena *arena)
{
    struct net net = net_start(arena);
    struct net_value x = net_input(&net, 16, 16, 3);
    x = net_norm(&net, net_conv(&net, x, 6, 3, 2, "none"), "relu6");
    x = net_inverted_residual(&net, x, 6, 1);
    x = net_inverted_residual(&net, x, 8, 2);
    x = net_inverted_residual(&net, x, 8, 1);
    x = net_inverted_residual(&net, x, 8, 1);
    return net_finish(&net, net_dense(&net, net_mean(&net, x), 5));
}

static inline struct net_value net_fire(struct net *net, struct net_value x, int squeeze,
                                        int expand)
{
    x = net_conv(net, x, squeeze, 1, 1, "relu");
    struct net_value a = net_conv(net, x, expand, 1, 1, "relu");
    struct net_value b = net_conv(net, x, expand, 3, 1, "relu");
    return net_concat(net, a, b);
}

static inline const char *squeezenet(struct arena *arena)
{
    struct net net = net_start(arena);
    struct net_value x = net_input(&net, 16, 16, 3);
    x = net_max_pool(&net, net_conv(&net, x, 8, 3, 1, "relu"));
    x = net_fire(&net, x, 4, 8);
    struct net_value y = net_fire(&net, x, 4, 8);
    x = net_max_pool(&net, net_add(&net, x, y, "none"));
    x = net_conv(&net, net_fire(&net, x, 6, 12), 5, 1, 1, "relu");
    return net_finish(&net, net_mean(&net, x));
}

static inline struct net_value net_upsample(struct net *net, struct net_value x)
{
    return net_node(net, "resize_nearest_neighbor", &x, NULL,
                    (struct net_value){0, 2 * x.h, 2 * x.w, x.c}, "");
}

static inline struct net_value net_transpose_conv(struct net *net, struct net_value x, int filters)
{
    int id = net->n;
    text_printf(&net->text, "tensor \"w%d\" f32 %dx2x2x%d init he_normal\n", id, filters, x.c);
    struct net_value y = net_declare(net, 2 * x.h, 2 * x.w, filters);
    text_printf(&net->text, "node transpose_conv n%d \"%d\" \"w%d\" -> \"%d\" stride 2 2\n", id,
                x.id, id, id);
    return y;
}

/* Down and up again, with what is on the way down joined in. */
static inline const char *u_net(struct arena *arena)
{
    struct net net = net_start(arena);
    struct net_value x = net_input(&net, 16, 16, 2);
    struct net_value top = net_norm(&net, net_conv(&net, x, 6, 3, 1, "none"), "relu");
    struct net_value middle = net_conv(&net, net_max_pool(&net, top), 8, 3, 1, "relu");
    x = net_norm(&net, net_conv(&net, net_max_pool(&net, middle), 12, 3, 1, "none"), "relu");
    x = net_concat(&net, net_transpose_conv(&net, x, 8), middle);
    x = net_conv(&net, x, 8, 3, 1, "relu");
    x = net_concat(&net, net_upsample(&net, x), top);
    x = net_conv(&net, x, 6, 3, 1, "relu");
    return net_finish(&net, net_conv(&net, x, 2, 1, 1, "none"));
}

#endif
