/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/relaxation.h"

#include <math.h>
#include <string.h>

#include "schedule/alive.h"
#include "schedule/elimination.h"

enum { MOST_TABLE = 1 << 20 };

/* What a node costs: amounts by combination of its sets, then by choice of its units. */
struct node_table {
    struct factor factor; /* over sets; the least over units, weighted */
    int32_t units;        /* knob, or -1 */
    int32_t n_units;
    int64_t n_combinations;
    double *instructions, *flash; /* n_combinations x n_units */
    double code_bytes;            /* of a call's kernel, the least of all entries */
    double *fast_flash;           /* likewise, in the fastest kernels, with code that only the node
                                     needs */
    double (*scratch)[2];         /* by combination: the least of all units' calls (fast_scratch) */
    uint8_t *kernel;              /* likewise: the fastest, if other nodes may need it too */
    uint8_t *best;                /* by combination: the units that factor.values has */
};

struct relaxation {
    const struct schedule_problem *problem;
    const struct space *space;
    int32_t n_nodes, n_sets;
    struct node_table *tables; /* by node */
    struct factor *factors;    /* of nodes, then of sets' losses, then of SRAM */
    int32_t n_factors;
    int32_t *n_values;       /* by set */
    int32_t user[N_KERNELS]; /* the node whose fastest kernel it is at some entry, plus one; 0:
                                none, -1: several */
    double code_bytes;
    struct elimination *elimination;
};

/* ---- tables ---- */

static int32_t set_of_knob(const struct space *space, int32_t knob)
{
    return space->knobs[knob].kind == KNOB_FILTERS ? space->knobs[knob].of : -1;
}

static enum status table_shape(const struct relaxation *r, int32_t node, struct arena *arena,
                               struct diag *diag)
{
    const struct space *space = r->space;
    struct node_table *table = &r->tables[node];
    const int32_t *knobs;
    int32_t n = node_knobs(cost_model_nodes(r->problem->model), node, &knobs);
    double size = 1;
    table->units = space->units_knob[node];
    table->n_units = table->units < 0 ? 1 : space->knobs[table->units].n_choices;
    table->factor.vars = ARENA_ARRAY(arena, (size_t)n + 1, int32_t);
    for (int32_t i = 0; i < n; i++) {
        size *= space->knobs[knobs[i]].n_choices;
        if (set_of_knob(space, knobs[i]) >= 0)
            table->factor.vars[table->factor.n_vars++] = set_of_knob(space, knobs[i]);
    }
    if (size > MOST_TABLE)
        return fail(diag, ERR_UNSUPPORTED,
                    "'%s': too many sets of layers meet here for this solver",
                    space->graph->nodes[node].name);
    table->n_combinations = factor_size(&table->factor, r->n_values);
    size_t n_entries = (size_t)(table->n_combinations * table->n_units);
    table->instructions = ARENA_ARRAY(arena, n_entries, double);
    table->flash = ARENA_ARRAY(arena, n_entries, double);
    table->fast_flash = ARENA_ARRAY(arena, n_entries, double);
    table->kernel = ARENA_ARRAY(arena, n_entries, uint8_t);
    table->scratch = arena_alloc(arena, (size_t)table->n_combinations, sizeof *table->scratch);
    for (int64_t at = 0; at < table->n_combinations; at++)
        table->scratch[at][0] = table->scratch[at][1] = (double)INFINITY;
    table->best = ARENA_ARRAY(arena, (size_t)table->n_combinations, uint8_t);
    table->factor.values = ARENA_ARRAY(arena, (size_t)table->n_combinations, double);
    return OK;
}

/* The combination of a factor's sets that a candidate has. */
static int64_t combination_at(const struct relaxation *r, const struct factor *factor,
                              const uint8_t *candidate)
{
    int64_t at = 0;
    for (int32_t i = 0; i < factor->n_vars; i++) {
        int32_t set = factor->vars[i];
        at = at * r->n_values[set] + candidate[r->space->filters_knob[set]];
    }
    return at;
}

/* The choices of the sets in a factor's combination. */
static void combination_apply(const struct relaxation *r, const struct factor *factor, int64_t at,
                              uint8_t *candidate)
{
    for (int32_t i = factor->n_vars - 1; i >= 0; i--) {
        int32_t set = factor->vars[i], n = r->n_values[set];
        candidate[r->space->filters_knob[set]] = (uint8_t)(at % n);
        at /= n;
    }
}

static const struct kernel_option *fastest(const struct call_cost *call)
{
    const struct kernel_option *best = &call->plain.list[0];
    for (int i = 1; i < call->plain.n; i++)
        if (call->plain.list[i].instructions < best->instructions)
            best = &call->plain.list[i];
    return best;
}

static void entry_add(struct relaxation *r, int32_t node, size_t entry,
                      const struct call_cost *call)
{
    struct node_table *table = &r->tables[node];
    double code = (double)call->least_code;
    int32_t *user = &r->user[fastest(call)->kernel];
    *user = *user == 0 || *user == node + 1 ? node + 1 : -1;
    table->code_bytes = table->code_bytes == 0 ? code : fmin(table->code_bytes, code);
    table->instructions[entry] += call->least_instructions;
    double *scratch = table->scratch[entry / (size_t)table->n_units];
    for (int form = 0; form < 2; form++)
        scratch[form] = fmin(scratch[form], call->fast_scratch[form]);
    table->flash[entry] +=
        (double)call->constant_bytes + (double)call->least_index + (double)call->least_parameters;
}

/* Calls `visit` for every call of every entry of a node. */
static enum status entries_visit(struct relaxation *r, int32_t node, uint8_t *candidate,
                                 void (*visit)(struct relaxation *, int32_t node, size_t entry,
                                               const struct call_cost *),
                                 struct diag *diag)
{
    struct node_table *table = &r->tables[node];
    for (int64_t at = 0; at < table->n_combinations; at++) {
        combination_apply(r, &table->factor, at, candidate);
        for (int32_t u = 0; u < table->n_units; u++) {
            const struct node_cost *cost;
            if (table->units >= 0)
                candidate[table->units] = (uint8_t)u;
            TRY(node_cost_get(cost_model_nodes(r->problem->model), node, candidate, &cost, diag));
            for (int32_t c = 0; c < cost->n_calls; c++)
                visit(r, node, (size_t)(at * table->n_units + u), &cost->calls[c]);
        }
    }
    return OK;
}

/* After entry_add() of all nodes. */
static void entry_add_fast(struct relaxation *r, int32_t node, size_t entry,
                           const struct call_cost *call)
{
    const struct kernel_option *option = fastest(call);
    int is_shared = r->user[option->kernel] < 0;
    r->tables[node].kernel[entry] = (uint8_t)(is_shared ? option->kernel : N_KERNELS);
    r->tables[node].fast_flash[entry] += (double)call->constant_bytes +
                                         (double)option->more_index_bytes +
                                         (double)parameter_bytes(option->kernel);
    if (!is_shared)
        r->tables[node].fast_flash[entry] +=
            (double)core_kernel_bytes(cost_model_code(r->problem->model), option->kernel);
}

/* ---- code ---- */

/* The code of some node's kernel, of all nodes the one that needs most, and of nodes that no knob
 * changes and that have one option. */
static double least_code(const struct relaxation *r, const uint8_t *candidate, struct diag *diag)
{
    uint8_t used[N_KERNELS] = {0};
    struct node_costs *costs = cost_model_nodes(r->problem->model);
    int32_t n_calls = 0;
    double most = 0;
    for (int32_t n = 0; n < r->n_nodes; n++) {
        const struct node_cost *cost;
        const int32_t *knobs;
        if (node_cost_get(costs, n, candidate, &cost, diag) != OK)
            continue;
        n_calls += cost->n_calls;
        if (node_knobs(costs, n, &knobs) > 0) {
            most = fmax(most, r->tables[n].code_bytes);
            continue;
        }
        for (int32_t c = 0; c < cost->n_calls; c++)
            if (cost->calls[c].plain.n == 1 && cost->calls[c].in_place.n == 1)
                used[cost->calls[c].plain.list[0].kernel] = 1;
    }
    return most + (double)core_code_bytes(cost_model_code(r->problem->model), used) +
           (double)((size_t)n_calls * call_bytes(cost_model_core(r->problem->model)));
}

/* ---- factors ---- */

static void losses_add(struct relaxation *r, struct arena *arena)
{
    for (int32_t s = 0; s < r->n_sets; s++) {
        struct factor *factor = &r->factors[r->n_factors++];
        factor->n_vars = 1;
        factor->vars = ARENA_ARRAY(arena, 1, int32_t);
        factor->vars[0] = s;
        factor->values = ARENA_ARRAY(arena, (size_t)r->n_values[s], double);
    }
}

/* A factor for each call: INFINITY where it needs more than the limit. Calls at which too
 * many sets are alive are left out. */
static enum status sram_add(struct relaxation *r, double sram_bytes, int with_scratch,
                            uint8_t *candidate, struct arena *arena, struct diag *diag)
{
    struct alive *alive;
    if (!(sram_bytes < (double)SIZE_MAX))
        return OK;
    TRY(alive_make(r->problem->model, arena, &alive, diag));
    for (int32_t c = 0; c < alive->n_calls; c++) {
        struct factor *factor = &r->factors[r->n_factors];
        factor->vars = ARENA_ARRAY(arena, (size_t)r->n_sets + 1, int32_t);
        factor->n_vars = alive_sets(alive, c, factor->vars);
        int64_t size = factor_size(factor, r->n_values);
        if (size > 65536 || factor->n_vars > 5)
            continue;
        factor->values = ARENA_ARRAY(arena, (size_t)size, double);
        for (int64_t at = 0; at < size; at++) {
            combination_apply(r, factor, at, candidate);
            const struct node_table *table = &r->tables[alive->node[c]];
            const double *scratch = table->scratch[combination_at(r, &table->factor, candidate)];
            double bytes = (double)alive_bytes(alive, c, candidate, 1);
            if (with_scratch)
                bytes = fmin(bytes + scratch[1],
                             (double)alive_bytes(alive, c, candidate, 0) + scratch[0]);
            if (bytes > sram_bytes)
                factor->values[at] = (double)INFINITY;
        }
        r->n_factors++;
    }
    return OK;
}

enum status relaxation_make(const struct schedule_problem *problem, double sram_bytes,
                            int with_scratch, struct arena *arena, struct relaxation **relaxation,
                            struct diag *diag)
{
    const struct space *space = cost_model_space(problem->model);
    struct relaxation *r = *relaxation = ARENA_NEW(arena, struct relaxation);
    *r = (struct relaxation){.problem = problem,
                             .space = space,
                             .n_nodes = space->graph->n_nodes,
                             .n_sets = space->sets.n_sets};
    uint8_t *candidate = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, uint8_t);
    r->tables = ARENA_ARRAY(arena, (size_t)r->n_nodes + 1, struct node_table);
    r->n_values = ARENA_ARRAY(arena, (size_t)r->n_sets + 1, int32_t);
    /* A concatenation has a call an input. */
    r->factors =
        ARENA_ARRAY(arena, (size_t)(r->n_nodes * (MAX_INPUTS + 1) + r->n_sets) + 1, struct factor);
    for (int32_t s = 0; s < r->n_sets; s++)
        r->n_values[s] = space->knobs[space->filters_knob[s]].n_choices;
    for (int32_t n = 0; n < r->n_nodes; n++) {
        TRY(table_shape(r, n, arena, diag));
        TRY(entries_visit(r, n, candidate, entry_add, diag));
        r->factors[r->n_factors++] = r->tables[n].factor;
    }
    for (int32_t n = 0; n < r->n_nodes; n++)
        TRY(entries_visit(r, n, candidate, entry_add_fast, diag));
    losses_add(r, arena);
    TRY(sram_add(r, sram_bytes, with_scratch, candidate, arena, diag));
    r->code_bytes = least_code(r, candidate, diag);
    r->elimination =
        elimination_make(r->n_sets, r->n_values, r->factors, r->n_factors, MOST_TABLE, arena);
    if (r->elimination == NULL)
        return fail(diag, ERR_UNSUPPORTED, "layers hang together in too many ways for this solver");
    return OK;
}

/* ---- solutions ---- */

/* Chooses the units of each combination. */
static void table_weigh(const struct relaxation *r, struct node_table *table,
                        const struct weights *weights)
{
    const double *loss = table->units < 0 ? NULL : r->problem->loss->of[table->units];
    for (int64_t at = 0; at < table->n_combinations; at++) {
        size_t entry = (size_t)(at * table->n_units);
        double least = (double)INFINITY;
        for (int32_t u = 0; u < table->n_units; u++, entry++) {
            double sum = weights->of[BUDGET_INSTRUCTIONS] * table->instructions[entry] +
                         weights->of[BUDGET_FLASH] * table->flash[entry] +
                         (loss != NULL ? weights->of[BUDGET_LOSS] * loss[u] : 0);
            if (sum < least) {
                least = sum;
                table->best[at] = (uint8_t)u;
            }
        }
        table->factor.values[at] = least;
    }
}

/* Where the candidate's combination is in a table. */
static int64_t combination_of(const struct relaxation *r, const struct factor *factor,
                              const uint8_t *values)
{
    int64_t at = 0;
    for (int32_t i = 0; i < factor->n_vars; i++)
        at = at * r->n_values[factor->vars[i]] + values[factor->vars[i]];
    return at;
}

static void amounts_sum(const struct relaxation *r, const uint8_t *values, uint8_t *candidate,
                        struct amounts *amounts)
{
    memset(amounts, 0, sizeof *amounts);
    for (int32_t s = 0; s < r->n_sets; s++)
        candidate[r->space->filters_knob[s]] = values[s];
    for (int32_t n = 0; n < r->n_nodes; n++) {
        const struct node_table *table = &r->tables[n];
        int64_t at = combination_of(r, &table->factor, values);
        size_t entry = (size_t)(at * table->n_units + table->best[at]);
        if (table->units >= 0)
            candidate[table->units] = table->best[at];
        amounts->of[BUDGET_INSTRUCTIONS] += table->instructions[entry];
        amounts->of[BUDGET_FLASH] += table->flash[entry];
    }
    amounts->of[BUDGET_FLASH] += r->code_bytes;
    amounts->of[BUDGET_LOSS] = loss_of(r->problem->loss, r->space, candidate);
}

double relaxation_solve(struct relaxation *r, const struct weights *weights, uint8_t *candidate,
                        struct amounts *amounts)
{
    struct arena scratch = {0};
    uint8_t *values = ARENA_ARRAY(&scratch, (size_t)r->n_sets + 1, uint8_t);
    for (int32_t n = 0; n < r->n_nodes; n++)
        table_weigh(r, &r->tables[n], weights);
    for (int32_t s = 0; s < r->n_sets; s++) {
        const double *loss = r->problem->loss->of[r->space->filters_knob[s]];
        for (int32_t i = 0; i < r->n_values[s]; i++)
            r->factors[r->n_nodes + s].values[i] = weights->of[BUDGET_LOSS] * loss[i];
    }
    /* Nodes that no set changes are constants to the elimination. */
    double sum = weights->of[BUDGET_FLASH] * r->code_bytes;
    for (int32_t n = 0; n < r->n_nodes; n++)
        if (r->tables[n].factor.n_vars == 0)
            sum += r->tables[n].factor.values[0];
    sum += elimination_solve(r->elimination, values);
    amounts_sum(r, values, candidate, amounts);
    arena_free(&scratch);
    return sum;
}

void relaxation_rows(const struct relaxation *r, const uint8_t *candidate, struct unit_rows *rows)
{
    const struct loss_table *loss = r->problem->loss;
    rows->n = 0;
    memset(rows->fixed, 0, sizeof rows->fixed);
    rows->fixed[BUDGET_FLASH] = r->code_bytes;
    for (int32_t s = 0; s < r->n_sets; s++) {
        int32_t k = r->space->filters_knob[s];
        rows->fixed[BUDGET_LOSS] += loss->of[k][candidate[k]];
    }
    for (int32_t n = 0; n < r->n_nodes; n++) {
        const struct node_table *table = &r->tables[n];
        int64_t at = combination_at(r, &table->factor, candidate);
        const double *instructions = table->instructions + at * table->n_units;
        const double *flash = table->fast_flash + at * table->n_units;
        if (table->units < 0) {
            rows->fixed[BUDGET_INSTRUCTIONS] += instructions[0];
            rows->fixed[BUDGET_FLASH] += flash[0];
            continue;
        }
        struct unit_row *row = &rows->rows[rows->n++];
        *row = (struct unit_row){.knob = table->units, .n = table->n_units};
        row->of[BUDGET_INSTRUCTIONS] = instructions;
        row->of[BUDGET_FLASH] = flash;
        row->of[BUDGET_LOSS] = loss->of[table->units];
        row->kernel = table->kernel + at * table->n_units;
    }
}

int relaxation_fits(const struct relaxation *r, const uint8_t *candidate)
{
    for (int32_t f = r->n_nodes + r->n_sets; f < r->n_factors; f++) {
        const struct factor *factor = &r->factors[f];
        if (factor->values[combination_at(r, factor, candidate)] == (double)INFINITY)
            return 0;
    }
    return 1;
}
