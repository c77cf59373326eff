/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/elimination.h"

#include <math.h>
#include <string.h>

/* Eliminates one variable: of all factors that have it, one without it is made. */
struct step {
    int32_t var;
    int32_t n_inputs;
    const struct factor **inputs;
    int32_t **strides;    /* by input: of each variable of `output`, then of `var` */
    struct factor output; /* least sum over `var` */
    uint8_t *best;        /* the value of `var` that has it */
};

struct elimination {
    int32_t n_vars;
    const int32_t *n_values;
    struct step *steps; /* one a variable, in order */
};

int64_t factor_size(const struct factor *factor, const int32_t *n_values)
{
    int64_t size = 1;
    for (int32_t i = 0; i < factor->n_vars; i++)
        size *= n_values[factor->vars[i]];
    return size;
}

/* ---- the order ---- */

/* The factors that are left while the order is made. */
struct ordering {
    int32_t n_vars, n_factors;
    const int32_t *n_values;
    const struct factor **factors;
    uint8_t *gone; /* by variable */
    struct arena *arena;
};

static int has_var(const struct factor *factor, int32_t var)
{
    for (int32_t i = 0; i < factor->n_vars; i++)
        if (factor->vars[i] == var)
            return 1;
    return 0;
}

/* Marks what shares a factor with the variable; returns the size of the table without it. */
static double neighbors(const struct ordering *ordering, int32_t var, uint8_t *marked)
{
    double size = 1;
    memset(marked, 0, (size_t)ordering->n_vars);
    for (int32_t f = 0; f < ordering->n_factors; f++)
        for (int32_t i = 0; has_var(ordering->factors[f], var) && i < ordering->factors[f]->n_vars;
             i++) {
            int32_t other = ordering->factors[f]->vars[i];
            if (other != var && !marked[other])
                size *= ordering->n_values[other];
            marked[other] = 1;
        }
    return size;
}

static void strides_find(const struct ordering *ordering, struct step *step, int32_t input)
{
    const struct factor *factor = step->inputs[input];
    int32_t n = step->output.n_vars, stride = 1;
    int32_t *strides = ARENA_ARRAY(ordering->arena, (size_t)n + 1, int32_t);
    for (int32_t i = factor->n_vars - 1; i >= 0; i--) {
        for (int32_t k = 0; k < n; k++)
            if (step->output.vars[k] == factor->vars[i])
                strides[k] = stride;
        if (step->var == factor->vars[i])
            strides[n] = stride;
        stride *= ordering->n_values[factor->vars[i]];
    }
    step->strides[input] = strides;
}

/* Takes the factors with the variable out, puts their sum in. 0: too large. */
static int step_make(struct ordering *ordering, int32_t var, const uint8_t *marked, int64_t most,
                     struct step *step)
{
    struct arena *arena = ordering->arena;
    size_t n = (size_t)ordering->n_factors + 1;
    int32_t n_left = 0;
    *step = (struct step){.var = var,
                          .inputs = ARENA_ARRAY(arena, n, const struct factor *),
                          .strides = ARENA_ARRAY(arena, n, int32_t *)};
    step->output.vars = ARENA_ARRAY(arena, (size_t)ordering->n_vars + 1, int32_t);
    for (int32_t v = 0; v < ordering->n_vars; v++)
        if (marked[v] && v != var)
            step->output.vars[step->output.n_vars++] = v;
    int64_t size = factor_size(&step->output, ordering->n_values);
    if (size > most)
        return 0;
    step->output.values = ARENA_ARRAY(arena, (size_t)size, double);
    step->best = ARENA_ARRAY(arena, (size_t)size, uint8_t);
    for (int32_t f = 0; f < ordering->n_factors; f++) {
        if (!has_var(ordering->factors[f], var)) {
            ordering->factors[n_left++] = ordering->factors[f];
            continue;
        }
        step->inputs[step->n_inputs] = ordering->factors[f];
        strides_find(ordering, step, step->n_inputs++);
    }
    ordering->factors[n_left++] = &step->output;
    ordering->n_factors = n_left;
    return 1;
}

struct elimination *elimination_make(int32_t n_vars, const int32_t *n_values,
                                     const struct factor *factors, int32_t n_factors, int64_t most,
                                     struct arena *arena)
{
    size_t n = (size_t)n_vars + 1;
    struct elimination *elimination = ARENA_NEW(arena, struct elimination);
    *elimination = (struct elimination){n_vars, n_values, ARENA_ARRAY(arena, n, struct step)};
    struct ordering ordering = {n_vars, n_factors, n_values, NULL, NULL, arena};
    ordering.factors =
        ARENA_ARRAY(arena, (size_t)n_factors + (size_t)n_vars + 1, const struct factor *);
    ordering.gone = ARENA_ARRAY(arena, n, uint8_t);
    uint8_t *marked = ARENA_ARRAY(arena, n, uint8_t);
    for (int32_t f = 0; f < n_factors; f++)
        ordering.factors[f] = &factors[f];
    for (int32_t i = 0; i < n_vars; i++) {
        int32_t best = -1;
        double least = 0;
        for (int32_t v = 0; v < n_vars; v++) {
            double size = ordering.gone[v] ? 0 : neighbors(&ordering, v, marked);
            if (!ordering.gone[v] && (best < 0 || size < least)) {
                best = v;
                least = size;
            }
        }
        neighbors(&ordering, best, marked);
        ordering.gone[best] = 1;
        if (least > (double)most ||
            !step_make(&ordering, best, marked, most, &elimination->steps[i]))
            return NULL;
    }
    return elimination;
}

/* ---- a solution ---- */

/* The least sum over the step's variable at one combination of the others. */
static void step_at(const struct elimination *elimination, struct step *step, int64_t at,
                    const int32_t *bases)
{
    int32_t n = step->output.n_vars;
    double least = (double)INFINITY;
    uint8_t best = 0;
    for (int32_t value = 0; value < elimination->n_values[step->var]; value++) {
        double sum = 0;
        for (int32_t f = 0; f < step->n_inputs; f++)
            sum += step->inputs[f]->values[bases[f] + value * step->strides[f][n]];
        if (sum < least) {
            least = sum;
            best = (uint8_t)value;
        }
    }
    step->output.values[at] = least;
    step->best[at] = best;
}

/* Counts through the combinations of the other variables. */
static void step_run(const struct elimination *elimination, struct step *step, int32_t *digits,
                     int32_t *bases)
{
    int32_t n = step->output.n_vars;
    int64_t size = factor_size(&step->output, elimination->n_values);
    memset(digits, 0, (size_t)n * sizeof *digits);
    memset(bases, 0, (size_t)step->n_inputs * sizeof *bases);
    for (int64_t at = 0; at < size; at++) {
        step_at(elimination, step, at, bases);
        for (int32_t k = n - 1; k >= 0; k--) {
            int32_t n_values = elimination->n_values[step->output.vars[k]];
            int is_last = digits[k] == n_values - 1;
            for (int32_t f = 0; f < step->n_inputs; f++)
                bases[f] += step->strides[f][k] * (is_last ? 1 - n_values : 1);
            digits[k] = is_last ? 0 : digits[k] + 1;
            if (!is_last)
                break;
        }
    }
}

double elimination_solve(struct elimination *elimination, uint8_t *values)
{
    struct arena scratch = {0};
    double sum = 0;
    int32_t n_inputs = 1;
    for (int32_t i = 0; i < elimination->n_vars; i++)
        if (elimination->steps[i].n_inputs > n_inputs)
            n_inputs = elimination->steps[i].n_inputs;
    int32_t *digits = ARENA_ARRAY(&scratch, (size_t)elimination->n_vars + 1, int32_t);
    int32_t *bases = ARENA_ARRAY(&scratch, (size_t)n_inputs, int32_t);
    for (int32_t i = 0; i < elimination->n_vars; i++) {
        step_run(elimination, &elimination->steps[i], digits, bases);
        if (elimination->steps[i].output.n_vars == 0)
            sum += elimination->steps[i].output.values[0];
    }
    for (int32_t i = elimination->n_vars - 1; i >= 0; i--) {
        const struct step *step = &elimination->steps[i];
        int64_t at = 0;
        for (int32_t k = 0; k < step->output.n_vars; k++)
            at = at * elimination->n_values[step->output.vars[k]] + values[step->output.vars[k]];
        values[step->var] = step->best[at];
    }
    arena_free(&scratch);
    return sum;
}
