/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/refine.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "schedule/incumbent.h"

/* Halvings of the scale of prices; the largest scale. */
enum { HALVINGS = 10, MOST_SCALE = 1000 };

/* Temperatures of the walk, in parts of the objective. */
#define HOT 0.05
#define COLD 0.001

/* By this part of a limit may the walk exceed it; units are chosen anew afterwards (polish.h). */
#define SLACK 0.01

/* Parts of an amount by which it may be corrected. */
#define MOST_CORRECTION 0.3

/* Of a whole budget, in parts of the objective. */
#define LEAST_PRICE 0.02

/* Worth a closer look: within this part of the best objective. */
#define NEAR 0.03

struct refining {
    const struct schedule_problem *problem;
    const struct relaxation *relaxation;
    struct weights weights;
    const struct space *space;
    enum budget objective;
    double correction[N_BUDGETS]; /* real less relaxed amounts, of the best candidate */
    struct unit_rows rows;
    int32_t *units;                   /* by row */
    double (*prices)[MAX_CHOICES][2]; /* by row, by choice: objective, limited amounts */
    double amounts[N_BUDGETS];        /* corrected, of these units */
    uint8_t *candidate;
    struct schedule *schedule;
    struct pool *pool;
    double slack;  /* of limits, in parts of them: amounts are not exact */
    double found;  /* the objective of the units chosen last */
    double wanted; /* units with more of the objective are not looked for */
    int32_t left;  /* choices of sets that may still be tried */
    struct diag *diag;
};

static double row_amount(const struct unit_row *row, int b, int32_t unit)
{
    return row->of[b] == NULL ? 0 : row->of[b][unit];
}

static void amounts_sum(struct refining *r)
{
    for (int b = 0; b < N_BUDGETS; b++) {
        r->amounts[b] = r->rows.fixed[b] + r->correction[b];
        for (int32_t i = 0; i < r->rows.n; i++)
            r->amounts[b] += row_amount(&r->rows.rows[i], b, r->units[i]);
    }
}

/* Whether the limits are met when the amounts change so; that of SRAM is the prediction's. */
static int meets(const struct refining *r, const double *change)
{
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM &&
            r->amounts[b] + change[b] > (1 + r->slack) * r->problem->goal.most[b] + 1e-9)
            return 0;
    return 1;
}

/* ---- units by prices ---- */

/* What each choice costs: of the objective, and of what is limited at the prices as they are. */
static void rows_price(struct refining *r)
{
    for (int32_t i = 0; i < r->rows.n; i++)
        for (int32_t u = 0; u < r->rows.rows[i].n; u++) {
            double limited = 0;
            for (int b = 0; b < N_BUDGETS; b++)
                if (b != (int)r->objective)
                    limited += r->weights.of[b] * row_amount(&r->rows.rows[i], b, u);
            r->prices[i][u][0] =
                r->weights.of[r->objective] * row_amount(&r->rows.rows[i], (int)r->objective, u);
            r->prices[i][u][1] = limited;
        }
}

static void units_by_prices(struct refining *r, double scale)
{
    for (int32_t i = 0; i < r->rows.n; i++) {
        double least = (double)INFINITY;
        for (int32_t u = 0; u < r->rows.rows[i].n; u++) {
            double sum = r->prices[i][u][0] + scale * r->prices[i][u][1];
            if (sum < least) {
                least = sum;
                r->units[i] = u;
            }
        }
    }
    amounts_sum(r);
}

/* No choice of units that meets the limits has less of the objective: the least sum at the prices
 * as they are, less what the limits are worth. After units_by_prices() with scale 1. */
static double least_objective(const struct refining *r)
{
    double sum = r->amounts[r->objective];
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM && b != (int)r->objective && r->weights.of[b] > 0)
            sum += r->weights.of[b] *
                   (r->amounts[b] - (1 + r->slack) * r->problem->goal.most[b] - 1e-9);
    return sum;
}

/* The smallest scale of prices at which the limits are met; 0: there is none, or nothing that is
 * wanted. */
static int units_start(struct refining *r)
{
    static const double none[N_BUDGETS] = {0};
    double low = 0, high = 1;
    rows_price(r);
    units_by_prices(r, high);
    if (least_objective(r) > r->wanted + 1e-9 * fabs(r->wanted))
        return 0;
    for (; !meets(r, none); units_by_prices(r, high)) {
        low = high;
        high *= 4;
        if (high > MOST_SCALE)
            return 0;
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        units_by_prices(r, middle);
        if (meets(r, none))
            high = middle;
        else
            low = middle;
    }
    units_by_prices(r, high);
    return 1;
}

/* ---- exchanges ---- */

struct exchange {
    int32_t row[2], unit[2];
    double gain;
};

static void change_add(const struct refining *r, int32_t row, int32_t unit, double *change)
{
    const struct unit_row *from = &r->rows.rows[row];
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM)
            change[b] += from->of[b][unit] - from->of[b][r->units[row]];
}

static int is_better(double gain, const struct exchange *best)
{
    return gain > best->gain * (1 + 1e-9) + 1e-9;
}

static struct exchange best_single(const struct refining *r)
{
    struct exchange best = {.gain = 0};
    for (int32_t i = 0; i < r->rows.n; i++)
        for (int32_t u = 0; u < r->rows.rows[i].n; u++) {
            double change[N_BUDGETS] = {0};
            change_add(r, i, u, change);
            if (is_better(-change[r->objective], &best) && meets(r, change))
                best = (struct exchange){{i, i}, {u, u}, -change[r->objective]};
        }
    return best;
}

/* With a change of an earlier row, the best of row `j`. */
static void try_row(const struct refining *r, const struct exchange *first, const double *change,
                    int32_t j, struct exchange *best)
{
    const double *objective = r->rows.rows[j].of[r->objective];
    double gain = -change[r->objective] + objective[r->units[j]];
    for (int32_t v = 0; v < r->rows.rows[j].n; v++) {
        double both[N_BUDGETS];
        if (!is_better(gain - objective[v], best))
            continue;
        memcpy(both, change, sizeof both);
        change_add(r, j, v, both);
        if (meets(r, both))
            *best = (struct exchange){{first->row[0], j}, {first->unit[0], v}, gain - objective[v]};
    }
}

static struct exchange best_pair(const struct refining *r)
{
    struct exchange best = {.gain = 0};
    for (int32_t i = 0; i < r->rows.n; i++)
        for (int32_t u = 0; u < r->rows.rows[i].n; u++) {
            double change[N_BUDGETS] = {0};
            struct exchange first = {.row = {i}, .unit = {u}};
            change_add(r, i, u, change);
            for (int32_t j = i + 1; j < r->rows.n; j++)
                try_row(r, &first, change, j, &best);
        }
    return best;
}

static void exchange_apply(struct refining *r, const struct exchange *exchange)
{
    for (int i = 0; i < 2; i++)
        r->units[exchange->row[i]] = exchange->unit[i];
    amounts_sum(r);
}

/* Chooses units for the candidate's sets; 0: the limits cannot be met, or what is found is neither
 * better than the best, nor wanted by the walk, nor by the pool. */
static int units_choose_all(struct refining *r)
{
    double best = objective_of(&r->problem->goal, &r->schedule->amounts);
    r->wanted = fmax(r->wanted, fmax(best, pool_worst(r->pool)));
    if (!relaxation_fits(r->relaxation, r->candidate))
        return 0;
    relaxation_rows(r->relaxation, r->candidate, &r->rows);
    if (!units_start(r))
        return 0;
    for (;;) {
        struct exchange exchange = best_single(r);
        if (exchange.gain == 0 && r->amounts[r->objective] < best + NEAR * fabs(best))
            exchange = best_pair(r);
        if (exchange.gain == 0)
            break;
        exchange_apply(r, &exchange);
    }
    for (int32_t i = 0; i < r->rows.n; i++)
        r->candidate[r->rows.rows[i].knob] = (uint8_t)r->units[i];
    r->found = r->amounts[r->objective];
    pool_add(r->pool, r->found, r->candidate);
    return r->amounts[r->objective] < best;
}

/* ---- sets ---- */

/* What the best candidate really needs beyond the relaxed amounts; not where slow kernels make it
 * fit, which others may do without. */
static void correct(struct refining *r)
{
    memset(r->correction, 0, sizeof r->correction);
    relaxation_rows(r->relaxation, r->schedule->candidate, &r->rows);
    for (int32_t i = 0; i < r->rows.n; i++)
        r->units[i] = r->schedule->candidate[r->rows.rows[i].knob];
    amounts_sum(r);
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM && b != BUDGET_LOSS &&
            fabs(r->schedule->amounts.of[b] - r->amounts[b]) < MOST_CORRECTION * r->amounts[b])
            r->correction[b] = r->schedule->amounts.of[b] - r->amounts[b];
}

/* Tries the candidate's sets; what has more than `wanted` of the objective may be left out. */
static enum status try_sets(struct refining *r, double wanted, int *taken)
{
    struct amounts ignored;
    *taken = 0;
    r->wanted = wanted;
    r->left--;
    if (!units_choose_all(r))
        return OK;
    TRY(schedule_offer(r->problem, r->candidate, r->schedule, &ignored, taken, r->diag));
    if (*taken)
        correct(r);
    return OK;
}

/* The other choices of knob `k`, those of `l` for each of them. */
static enum status try_pair(struct refining *r, int32_t k, int32_t l, int *taken)
{
    size_t n = (size_t)r->space->n_knobs;
    int32_t n_k = r->space->knobs[k].n_choices, n_l = k == l ? 1 : r->space->knobs[l].n_choices;
    for (int32_t c = 0; c < n_k; c++)
        for (int32_t d = 0; d < n_l && r->left > 0; d++) {
            memcpy(r->candidate, r->schedule->candidate, n);
            if (k != l && (c == r->candidate[k] || d == r->candidate[l]))
                continue;
            if (k != l)
                r->candidate[l] = (uint8_t)d;
            r->candidate[k] = (uint8_t)c;
            TRY(try_sets(r, -(double)INFINITY, taken));
            if (*taken)
                return OK;
        }
    return OK;
}

static enum status sweep(struct refining *r, int with_pairs, int *taken)
{
    int32_t n_sets = r->space->sets.n_sets;
    *taken = 0;
    for (int32_t s = 0; s < n_sets && !*taken; s++)
        for (int32_t t = with_pairs ? s + 1 : s; t < (with_pairs ? n_sets : s + 1) && !*taken; t++)
            TRY(try_pair(r, r->space->filters_knob[s], r->space->filters_knob[t], taken));
    return OK;
}

static enum status descend(struct refining *r)
{
    int taken = 1;
    while (taken && r->left > 0) {
        TRY(sweep(r, 0, &taken));
        if (!taken)
            TRY(sweep(r, 1, &taken));
    }
    return OK;
}

/* Annealing over sets, each with its best units; what looks best on the way goes to the pool, and
 * what looks better than the best is predicted. */
static enum status walk(struct refining *r, struct random *random, uint8_t *current)
{
    size_t n = (size_t)r->space->n_knobs;
    int32_t n_moves = r->left;
    double best = objective_of(&r->problem->goal, &r->schedule->amounts), value = best;
    double temperature = HOT * fabs(best), cooling = pow(COLD / HOT, 1.0 / (n_moves + 1));
    memcpy(current, r->schedule->candidate, n);
    r->slack = SLACK;
    for (; r->left > 0; temperature *= cooling) {
        memcpy(r->candidate, current, n);
        for (int i = random_range(random, 1, 2); i > 0; i--) {
            int32_t k = r->space->filters_knob[random_range(random, 0, r->space->sets.n_sets - 1)];
            r->candidate[k] = (uint8_t)random_range(random, 0, r->space->knobs[k].n_choices - 1);
        }
        int taken;
        double draw = (double)(random_bits(random) >> 11) / 0x1p53;
        double most = value - temperature * log(draw); /* INFINITY when it is 0 */
        r->found = (double)INFINITY;
        TRY(try_sets(r, most, &taken));
        if (r->found <= most && r->found < (double)INFINITY) {
            value = r->found;
            memcpy(current, r->candidate, n);
        }
    }
    return OK;
}

/* A budget that the bound does not feel may be felt by other sets. */
static void weights_raise(struct refining *r)
{
    const double *most = r->problem->goal.most;
    double objective = fabs(objective_of(&r->problem->goal, &r->schedule->amounts));
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM && b != (int)r->objective && most[b] < (double)INFINITY)
            r->weights.of[b] = fmax(r->weights.of[b], LEAST_PRICE * objective / (most[b] + 1e-9));
}

enum status refine(const struct schedule_problem *problem, const struct relaxation *relaxation,
                   const struct weights *weights, int32_t most, struct pool *pool,
                   struct schedule *schedule, struct diag *diag)
{
    static const enum budget objectives[] = {BUDGET_INSTRUCTIONS, BUDGET_LOSS, BUDGET_FLASH};
    struct arena scratch = {0};
    const struct space *space = cost_model_space(problem->model);
    size_t n = (size_t)space->graph->n_nodes + 1;
    struct refining r = {.problem = problem,
                         .relaxation = relaxation,
                         .weights = *weights,
                         .space = space,
                         .objective = objectives[problem->goal.objective],
                         .schedule = schedule,
                         .pool = pool,
                         .left = most,
                         .diag = diag};
    r.rows.rows = ARENA_ARRAY(&scratch, n, struct unit_row);
    r.units = ARENA_ARRAY(&scratch, n, int32_t);
    r.prices = arena_alloc(&scratch, n, sizeof *r.prices);
    r.candidate = ARENA_ARRAY(&scratch, (size_t)space->n_knobs + 1, uint8_t);
    weights_raise(&r);
    correct(&r);
    struct random random = {1};
    enum status status = descend(&r);
    if (status == OK && space->sets.n_sets > 0)
        status = walk(&r, &random, ARENA_ARRAY(&scratch, (size_t)space->n_knobs + 1, uint8_t));
    arena_free(&scratch);
    return status;
}
