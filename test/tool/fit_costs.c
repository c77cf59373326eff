/* SPDX-License-Identifier: Apache-2.0 */
/* usage: fit_costs <times >costs.inc
 * Reads the times that check_kernels writes (`core isa kernel state instructions` a line), makes
 * each layer again, counts its work, and fits what one unit of each count costs: least squares of
 * the relative error, no cost below zero. The errors go to standard error. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/cost.h"
#include "test/kernels/layers.h"

enum { MAX_SAMPLES = 4000 };

/* The measured layers of one kernel on one core. */
struct samples {
    char core[32], isa[32], name[64];
    enum kernel kernel;
    int n;
    double counts[MAX_SAMPLES][MAX_WORK], instructions[MAX_SAMPLES];
};

static void die(const char *message, const char *what)
{
    fprintf(stderr, "fit_costs: %s %s\n", message, what);
    exit(2);
}

static enum kernel find_kernel(const char *isa, const char *name)
{
    for (int i = 0; i < N_KERNELS; i++)
        if (strcmp(kernel_facts((enum kernel)i)->isa, isa) == 0 &&
            strcmp(kernel_facts((enum kernel)i)->name, name) == 0)
            return (enum kernel)i;
    die("no such kernel:", name);
    return N_KERNELS;
}

static layer_maker *find_maker(enum kernel kernel)
{
    static const struct {
        const char *name;
        layer_maker *make;
    } families[] = {
#define FAMILY(name, make, naive) {#name, make},
#include "test/kernels/families.inc"
#undef FAMILY
    };
    const char *name = kernel_facts(kernel_facts(kernel)->reference)->name;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].name, name) == 0)
            return families[i].make;
    die("no layers are made for", name);
    return NULL;
}

static void add_sample(struct samples *samples, uint64_t state, double instructions)
{
    if (samples->n == MAX_SAMPLES || !(instructions > 0))
        return;
    struct guard guard = {.edge = GUARD_END};
    struct layer layer;
    union kernel_parameters parameters;
    memset(&layer, 0, sizeof(layer));
    struct random random = {state};
    find_maker(samples->kernel)(&random, &guard, &layer);
    memcpy(&parameters, &layer.parameters, sizeof(layer.parameters));
    cost_work(samples->kernel, &parameters, samples->counts[samples->n]);
    samples->instructions[samples->n++] = instructions;
    guard_free(&guard);
}

/* ---- least squares ---- */

/* Solves the symmetric `matrix` * x = `right` over the counts in use (Gauss with pivots; a column
 * that adds nothing gets 0). */
static void solve(double matrix[MAX_WORK][MAX_WORK], double right[MAX_WORK], const int *used,
                  double x[MAX_WORK])
{
    double a[MAX_WORK][MAX_WORK + 1];
    int order[MAX_WORK], n = 0;
    for (int i = 0; i < MAX_WORK; i++) {
        x[i] = 0;
        if (used[i])
            order[n++] = i;
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            a[i][j] = matrix[order[i]][order[j]];
        a[i][n] = right[order[i]];
    }
    for (int i = 0; i < n; i++) {
        a[i][i] *= 1 + 1e-10; /* two counts that are always equal share the cost */
        if (a[i][i] <= 0)
            continue;
        for (int k = i + 1; k < n; k++) {
            double factor = a[k][i] / a[i][i];
            for (int j = i; j <= n; j++)
                a[k][j] -= factor * a[i][j];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        double sum = a[i][n];
        for (int j = i + 1; j < n; j++)
            sum -= a[i][j] * x[order[j]];
        x[order[i]] = a[i][i] > 0 ? sum / a[i][i] : 0;
    }
}

/* Drops the most negative cost and solves again until none is left. */
static void fit(const struct samples *samples, double costs[MAX_WORK])
{
    double matrix[MAX_WORK][MAX_WORK] = {{0}}, right[MAX_WORK] = {0}, scale[MAX_WORK] = {0};
    int used[MAX_WORK];
    for (int s = 0; s < samples->n; s++)
        for (int i = 0; i < MAX_WORK; i++)
            scale[i] = fmax(scale[i], samples->counts[s][i]);
    for (int i = 0; i < MAX_WORK; i++)
        used[i] = scale[i] > 0;
    for (int s = 0; s < samples->n; s++) {
        double row[MAX_WORK];
        for (int i = 0; i < MAX_WORK; i++)
            row[i] = used[i] ? samples->counts[s][i] / scale[i] / samples->instructions[s] : 0;
        for (int i = 0; i < MAX_WORK; i++) {
            right[i] += row[i];
            for (int j = 0; j < MAX_WORK; j++)
                matrix[i][j] += row[i] * row[j];
        }
    }
    for (;;) {
        solve(matrix, right, used, costs);
        int worst = 0;
        for (int i = 1; i < MAX_WORK; i++)
            if (costs[i] < costs[worst])
                worst = i;
        if (costs[worst] >= 0)
            break;
        used[worst] = 0;
    }
    for (int i = 0; i < MAX_WORK; i++)
        costs[i] = scale[i] > 0 ? costs[i] / scale[i] : 0;
}

static void print_fit(const struct samples *samples)
{
    if (samples->n == 0)
        return;
    double costs[MAX_WORK], squares = 0, most = 0, measured = 0, predicted = 0;
    fit(samples, costs);
    for (int s = 0; s < samples->n; s++) {
        double sum = 0;
        for (int i = 0; i < MAX_WORK; i++)
            sum += samples->counts[s][i] * costs[i];
        double error = sum / samples->instructions[s] - 1;
        squares += error * error;
        most = fmax(most, fabs(error));
        measured += samples->instructions[s];
        predicted += sum;
    }
    printf("COST(\"%s\", %s, %s", samples->core, samples->name, samples->isa);
    for (int i = 0; i < MAX_WORK; i++)
        printf(", %.5g", costs[i]);
    printf(")\n");
    fprintf(stderr,
            "%-14s %-32s %-8s %4d layers, error %5.2f %% (rms), %6.2f %% (most), sum %+.2f %%\n",
            samples->core, samples->name, samples->isa, samples->n,
            100 * sqrt(squares / samples->n), 100 * most, 100 * (predicted / measured - 1));
}

int main(void)
{
    static struct samples samples;
    char core[32], isa[32], name[64];
    uint64_t state;
    double instructions;
    printf(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* COST(core, kernel, isa, instructions of one unit of each count...), written by `make "
        "fit-costs`.\n */\n");
    while (scanf("%31s %31s %63s %" SCNx64 " %lf", core, isa, name, &state, &instructions) == 5) {
        if (strcmp(core, samples.core) != 0 || strcmp(isa, samples.isa) != 0 ||
            strcmp(name, samples.name) != 0) {
            print_fit(&samples);
            samples.n = 0;
            strcpy(samples.core, core);
            strcpy(samples.isa, isa);
            strcpy(samples.name, name);
            samples.kernel = find_kernel(isa, name);
        }
        add_sample(&samples, state, instructions);
    }
    print_fit(&samples);
    return 0;
}
