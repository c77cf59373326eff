/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/refine.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "schedule/incumbent.h"

/* Halvings of the scale of prices; the largest scale. */
enum { HALVINGS = 10, MOST_SCALE = 1000 };

/* Times that units are chosen for the same sets. */
enum { CORRECTIONS = 3 };

/* Times that a walk tries as many sets as a sweep over all pairs. */
enum { WALKED = 3 };

/* Temperatures of the walk, in parts of the objective. */
#define HOT 0.02
#define COLD 0.001

/* Parts of an amount by which it may be corrected. */
#define MOST_CORRECTION 0.3

/* Of a whole budget, in parts of the objective. */
#define LEAST_PRICE 0.02

/* Worth a closer look: within this part of the best objective; in a walk, which looks at more. */
#define NEAR 0.03
#define NEAR_IN_WALK 0.003

struct refining {
    const struct schedule_problem *problem;
    const struct relaxation *relaxation;
    struct weights weights;
    const struct space *space;
    enum budget objective;
    double correction[N_BUDGETS]; /* real less relaxed amounts, of a candidate */
    double code[N_KERNELS + 1];   /* bytes of kernels that this candidate has no code of */
    double (*flash)[MAX_CHOICES]; /* by row, by choice: with such code */
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
    double near;   /* the best objective, in parts of it: worth a closer look */
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
        if (b != BUDGET_SRAM && r->amounts[b] + change[b] > r->problem->goal.most[b] + 1e-9)
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
            sum += r->weights.of[b] * (r->amounts[b] - r->problem->goal.most[b] - 1e-9);
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

/* The choices of units where the candidate's sets are. */
static void rows_get(struct refining *r, const uint8_t *candidate)
{
    relaxation_rows(r->relaxation, candidate, &r->rows);
    for (int32_t i = 0; i < r->rows.n; i++) {
        struct unit_row *row = &r->rows.rows[i];
        for (int32_t u = 0; u < row->n; u++)
            r->flash[i][u] = row->of[BUDGET_FLASH][u] + r->code[row->kernel[u]];
        row->of[BUDGET_FLASH] = r->flash[i];
    }
}

/* Chooses units for the candidate's sets; 0: the limits cannot be met, or only with more of the
 * objective than is wanted. */
static int units_choose_all(struct refining *r)
{
    double best = objective_of(&r->problem->goal, &r->schedule->amounts);
    if (!relaxation_fits(r->relaxation, r->candidate))
        return 0;
    rows_get(r, r->candidate);
    if (!units_start(r))
        return 0;
    for (;;) {
        struct exchange exchange = best_single(r);
        if (exchange.gain == 0 && r->amounts[r->objective] < best + r->near * fabs(best))
            exchange = best_pair(r);
        if (exchange.gain == 0)
            break;
        exchange_apply(r, &exchange);
    }
    for (int32_t i = 0; i < r->rows.n; i++)
        r->candidate[r->rows.rows[i].knob] = (uint8_t)r->units[i];
    return r->amounts[r->objective] <= r->wanted;
}

/* ---- sets ---- */

/* What the code of each kernel adds to that of the units as they are. */
static void code_find(struct refining *r)
{
    const struct core_code *code = cost_model_code(r->problem->model);
    uint8_t used[N_KERNELS + 1] = {0}, done[N_KERNELS + 1] = {0};
    for (int32_t i = 0; i < r->rows.n; i++)
        used[r->rows.rows[i].kernel[r->units[i]]] = 1;
    double bytes = (double)core_code_bytes(code, used);
    memset(r->code, 0, sizeof r->code);
    for (int32_t i = 0; i < r->rows.n; i++)
        for (int32_t u = 0; u < r->rows.rows[i].n; u++) {
            uint8_t k = r->rows.rows[i].kernel[u];
            if (used[k] || done[k] || k == N_KERNELS)
                continue;
            used[k] = done[k] = 1;
            r->code[k] = (double)core_code_bytes(code, used) - bytes;
            used[k] = 0;
        }
}

/* What a candidate really needs beyond the relaxed amounts; not where slow kernels make it fit,
 * which others may do without. */
static void correct(struct refining *r, const uint8_t *candidate, const struct amounts *real)
{
    memset(r->correction, 0, sizeof r->correction);
    relaxation_rows(r->relaxation, candidate, &r->rows);
    for (int32_t i = 0; i < r->rows.n; i++)
        r->units[i] = candidate[r->rows.rows[i].knob];
    code_find(r);
    amounts_sum(r);
    for (int b = 0; b < N_BUDGETS; b++)
        if (b != BUDGET_SRAM && b != BUDGET_LOSS &&
            fabs(real->of[b] - r->amounts[b]) < MOST_CORRECTION * r->amounts[b])
            r->correction[b] = real->of[b] - r->amounts[b];
}

/* Tries the candidate's sets. */
static enum status try_sets(struct refining *r, int *taken)
{
    struct amounts real;
    double best = objective_of(&r->problem->goal, &r->schedule->amounts);
    *taken = 0;
    r->left--;
    r->wanted = fmax(best, pool_worst(r->pool));
    if (!units_choose_all(r))
        return OK;
    pool_add(r->pool, r->amounts[r->objective], r->candidate);
    if (r->amounts[r->objective] >= best)
        return OK;
    TRY(schedule_offer(r->problem, r->candidate, r->schedule, &real, taken, r->diag));
    if (*taken)
        correct(r, r->candidate, &real);
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
            TRY(try_sets(r, taken));
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

/* Chooses units for the candidate's sets until what they really need meets the limits, each time
 * corrected by the last; `found` gets the objective, INFINITY: they do not, or only with more of it
 * than is wanted. */
static enum status try_really(struct refining *r, double *found)
{
    int taken;
    struct amounts real;
    *found = (double)INFINITY;
    r->left--;
    for (int i = 0; i < CORRECTIONS && units_choose_all(r); i++) {
        TRY(schedule_offer(r->problem, r->candidate, r->schedule, &real, &taken, r->diag));
        correct(r, r->candidate, &real);
        if (excess_of(&r->problem->goal, &real) > 0)
            continue;
        *found = objective_of(&r->problem->goal, &real);
        pool_add(r->pool, *found, r->candidate);
        break;
    }
    return OK;
}

/* Changes one to three sets, each by a step or to any choice. */
static void sets_draw(struct refining *r, struct random *random)
{
    for (int i = random_range(random, 1, 3); i > 0; i--) {
        int32_t k = r->space->filters_knob[random_range(random, 0, r->space->sets.n_sets - 1)];
        int32_t n = r->space->knobs[k].n_choices, step = random_range(random, -2, 2);
        int32_t next = r->candidate[k] + (step < 0 ? -1 : 1);
        if (step == 0 || next < 0 || next >= n)
            next = random_range(random, 0, n - 1);
        r->candidate[k] = (uint8_t)next;
    }
}

/* Annealing over sets, each with its best units, predicted. */
static enum status walk(struct refining *r, int32_t n_moves, uint64_t seed, uint8_t *current)
{
    size_t n = (size_t)r->space->n_knobs;
    struct random random = {seed};
    double correction[N_BUDGETS], code[N_KERNELS + 1];
    double value = objective_of(&r->problem->goal, &r->schedule->amounts);
    double temperature = HOT * fabs(value), cooling = pow(COLD / HOT, 1.0 / (n_moves + 1));
    memcpy(current, r->schedule->candidate, n);
    correct(r, current, &r->schedule->amounts);
    memcpy(correction, r->correction, sizeof correction);
    memcpy(code, r->code, sizeof code);
    r->near = NEAR_IN_WALK;
    for (r->left = n_moves; r->left > 0; temperature *= cooling) {
        double found, draw = (double)(random_bits(&random) >> 11) / 0x1p53;
        memcpy(r->candidate, current, n);
        memcpy(r->correction, correction, sizeof correction);
        memcpy(r->code, code, sizeof code);
        if (random_range(&random, 0, 3) == 0) /* what several layers may share */
            memset(r->code, 0, sizeof code);
        sets_draw(r, &random);
        r->wanted = value - temperature * log(draw); /* INFINITY when it is 0 */
        TRY(try_really(r, &found));
        if (found <= r->wanted && found < (double)INFINITY) {
            value = found;
            memcpy(current, r->candidate, n);
            memcpy(correction, r->correction, sizeof correction);
            memcpy(code, r->code, sizeof code);
        }
    }
    return OK;
}

/* Several times all pairs of choices of sets, but no more than of `most`. */
static int32_t walk_moves(const struct space *space, int32_t most)
{
    int64_t pairs = 0, all = 0;
    for (int32_t s = 0; s < space->sets.n_sets; s++) {
        int32_t n = space->knobs[space->filters_knob[s]].n_choices;
        pairs += all * n;
        all += n;
    }
    return (int32_t)(WALKED * (pairs < most ? pairs : most));
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
                   const struct weights *weights, const struct refine_options *options,
                   struct pool *pool, struct schedule *schedule, struct diag *diag)
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
                         .left = options->n_changed,
                         .near = NEAR,
                         .diag = diag};
    r.rows.rows = ARENA_ARRAY(&scratch, n, struct unit_row);
    r.units = ARENA_ARRAY(&scratch, n, int32_t);
    r.flash = arena_alloc(&scratch, n, sizeof *r.flash);
    r.prices = arena_alloc(&scratch, n, sizeof *r.prices);
    r.candidate = ARENA_ARRAY(&scratch, (size_t)space->n_knobs + 1, uint8_t);
    weights_raise(&r);
    correct(&r, schedule->candidate, &schedule->amounts);
    enum status status = descend(&r);
    if (status == OK && space->sets.n_sets > 0)
        status = walk(&r, walk_moves(space, options->n_walked), options->seed,
                      ARENA_ARRAY(&scratch, (size_t)space->n_knobs + 1, uint8_t));
    arena_free(&scratch);
    return status;
}
