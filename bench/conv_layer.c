/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a network of one convolution in text form, for the benchmark of kernels.
 * usage: conv_layer HxWxCIN-COUT_KxK[s2] UNIT SPARSITY_PERCENT
 * The layer has SAME padding. UNIT is `filterlet` or `block:N`; the given share of units, chosen at
 * random with a fixed seed, is zero, exactly to the rounding. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

struct layer {
    int h, w, input_channels, output_channels, kernel_h, kernel_w, stride;
};

static int layer_parse(const char *name, struct layer *layer)
{
    *layer = (struct layer){.stride = 1};
    int used = 0;
    if (sscanf(name, "%dx%dx%d-%d_%dx%d%n", &layer->h, &layer->w, &layer->input_channels,
               &layer->output_channels, &layer->kernel_h, &layer->kernel_w, &used) != 6)
        return 0;
    if (strcmp(name + used, "s2") == 0)
        layer->stride = 2;
    else if (name[used] != '\0')
        return 0;
    return layer->h > 0 && layer->w > 0 && layer->input_channels > 0 &&
           layer->output_channels > 0 && layer->kernel_h > 0 && layer->kernel_w > 0;
}

/* kept[i] is 0 for exactly round(n * percent / 100) of the n units (Fisher-Yates). */
static unsigned char *choose_units(int n, double percent, struct random *random)
{
    unsigned char *kept = malloc((size_t)n);
    int *order = malloc((size_t)n * sizeof *order);
    if (kept == NULL || order == NULL)
        exit(2);
    for (int i = 0; i < n; i++) {
        kept[i] = 1;
        order[i] = i;
    }
    int n_absent = (int)lround(n * percent / 100.0);
    for (int i = 0; i < n_absent; i++) {
        int j = random_range(random, i, n - 1);
        int chosen = order[j];
        order[j] = order[i];
        kept[chosen] = 0;
    }
    free(order);
    return kept;
}

static void print_weights(const struct layer *layer, int block, double percent)
{
    struct random random = {20240917};
    int units = (layer->input_channels + block - 1) / block;
    int positions = layer->output_channels * layer->kernel_h * layer->kernel_w;
    unsigned char *kept = choose_units(positions * units, percent, &random);
    printf("tensor \"w\" s8 %dx%dx%dx%d axis 0 scale", layer->output_channels, layer->kernel_h,
           layer->kernel_w, layer->input_channels);
    for (int o = 0; o < layer->output_channels; o++)
        printf(" %.9g", (double)(0.001f + 0.00001f * (float)random_range(&random, 0, 200)));
    printf(" zero_point");
    for (int o = 0; o < layer->output_channels; o++)
        printf(" 0");
    printf(" =");
    for (int p = 0; p < positions; p++)
        for (int i = 0; i < layer->input_channels; i++) {
            int value = random_range(&random, 1, 127) * (random_range(&random, 0, 1) ? 1 : -1);
            printf(" %d", kept[p * units + i / block] ? value : 0);
        }
    printf("\n");
    free(kept);
}

static void print_layer(const struct layer *layer, int block, double percent)
{
    int output_h = (layer->h + layer->stride - 1) / layer->stride;
    int output_w = (layer->w + layer->stride - 1) / layer->stride;
    int pad_h = (output_h - 1) * layer->stride + layer->kernel_h - layer->h;
    int pad_w = (output_w - 1) * layer->stride + layer->kernel_w - layer->w;
    pad_h = pad_h > 0 ? pad_h : 0;
    pad_w = pad_w > 0 ? pad_w : 0;
    printf("graph layer\n");
    printf("tensor \"x\" s8 1x%dx%dx%d scale 0.02 zero_point 3\n", layer->h, layer->w,
           layer->input_channels);
    print_weights(layer, block, percent);
    struct random random = {7};
    printf("tensor \"b\" s32 %d =", layer->output_channels);
    for (int o = 0; o < layer->output_channels; o++)
        printf(" %d", random_range(&random, -20000, 20000));
    printf("\ntensor \"y\" s8 1x%dx%dx%d scale 0.5 zero_point -5\n", output_h, output_w,
           layer->output_channels);
    printf("input \"x\"\n");
    printf("node conv_2d conv \"x\" \"w\" \"b\" -> \"y\" stride %d %d pads %d %d %d %d\n",
           layer->stride, layer->stride, pad_h / 2, pad_h - pad_h / 2, pad_w / 2,
           pad_w - pad_w / 2);
    printf("output \"y\"\n");
}

int main(int argc, char **argv)
{
    struct layer layer;
    int block = 0;
    if (argc != 4 || !layer_parse(argv[1], &layer) ||
        (strcmp(argv[2], "filterlet") != 0 && sscanf(argv[2], "block:%d", &block) != 1) ||
        block < 0) {
        fprintf(stderr, "usage: conv_layer HxWxCIN-COUT_KxK[s2] filterlet|block:N PERCENT\n");
        return 1;
    }
    print_layer(&layer, block > 0 ? block : layer.input_channels, atof(argv[3]));
    return 0;
}
