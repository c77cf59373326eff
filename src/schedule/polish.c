/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/polish.h"

#include <string.h>

#include "base/random.h"
#include "schedule/incumbent.h"

/* So many times the best objective. */
#define HOPELESS 1.1

struct polishing {
    const struct schedule_problem *problem;
    const struct space *space;
    uint8_t *candidate, *from;
    struct schedule *schedule;
    struct diag *diag;
};

static enum status offer(struct polishing *p, int *taken)
{
    struct amounts amounts;
    return schedule_offer(p->problem, p->candidate, p->schedule, &amounts, taken, p->diag);
}

static void restart(struct polishing *p)
{
    memcpy(p->candidate, p->schedule->candidate, (size_t)p->space->n_knobs);
}

/* Every other choice of every knob, again and again until none helps. */
static enum status singles(struct polishing *p)
{
    int any = 1;
    while (any) {
        any = 0;
        for (int32_t k = 0; k < p->space->n_knobs; k++)
            for (int32_t c = 0; c < p->space->knobs[k].n_choices; c++) {
                int taken = 0;
                restart(p);
                if (p->candidate[k] == c)
                    continue;
                p->candidate[k] = (uint8_t)c;
                TRY(offer(p, &taken));
                any |= taken;
            }
    }
    return OK;
}

/* Every pair of choices of units; the sets keep their filters. */
static enum status unit_pairs(struct polishing *p, int32_t most, int *taken)
{
    const struct knob *knobs = p->space->knobs;
    for (int32_t k = 0; k < p->space->n_knobs; k++)
        for (int32_t l = k + 1; l < p->space->n_knobs && knobs[k].kind == KNOB_UNITS; l++)
            for (int32_t i = 0; i < knobs[k].n_choices * knobs[l].n_choices && most > 0; i++) {
                restart(p);
                uint8_t c = (uint8_t)(i / knobs[l].n_choices),
                        d = (uint8_t)(i % knobs[l].n_choices);
                if (knobs[l].kind != KNOB_UNITS || p->candidate[k] == c || p->candidate[l] == d)
                    continue;
                p->candidate[k] = c;
                p->candidate[l] = d;
                most--;
                TRY(offer(p, taken));
                if (*taken)
                    return OK;
            }
    return OK;
}

/* A candidate beyond the limits seldom gets below what it has of the objective while it is brought
 * within them. */
static int is_hopeless(const struct polishing *p, const struct schedule *best)
{
    const struct goal *goal = &p->problem->goal;
    return p->schedule->is_feasible && !best->is_feasible &&
           objective_of(goal, &best->amounts) >
               HOPELESS * objective_of(goal, &p->schedule->amounts);
}

/* Of all single choices of units the best, again and again until none helps. */
static enum status best_units(struct polishing *p, struct schedule *best)
{
    size_t n = (size_t)p->space->n_knobs;
    int any = 1;
    uint8_t *from = p->from;
    while (any && !is_hopeless(p, best)) {
        any = 0;
        memcpy(from, best->candidate, n);
        for (int32_t k = 0; k < p->space->n_knobs; k++)
            for (int32_t c = 0;
                 p->space->knobs[k].kind == KNOB_UNITS && c < p->space->knobs[k].n_choices; c++) {
                struct amounts amounts;
                int taken;
                memcpy(p->candidate, from, n);
                p->candidate[k] = (uint8_t)c;
                TRY(schedule_offer(p->problem, p->candidate, best, &amounts, &taken, p->diag));
                any |= taken;
            }
    }
    return OK;
}

/* From a candidate, or from its filters with all units, the best units one after another. */
static enum status units_anew(struct polishing *p, const uint8_t *start, int from_all,
                              struct arena *scratch)
{
    struct schedule local = schedule_start(p->problem, scratch);
    local.sram_margin = p->schedule->sram_margin;
    struct amounts amounts;
    int taken;
    for (int32_t k = 0; k < p->space->n_knobs; k++)
        p->candidate[k] = from_all && p->space->knobs[k].kind == KNOB_UNITS ? 0 : start[k];
    TRY(schedule_offer(p->problem, p->candidate, &local, &amounts, &taken, p->diag));
    TRY(best_units(p, &local));
    p->schedule->n_evaluated += local.n_evaluated;
    p->schedule->sram_margin = local.sram_margin;
    memcpy(p->candidate, local.candidate, (size_t)p->space->n_knobs);
    return offer(p, &taken);
}

static void draw(struct polishing *p, struct random *random)
{
    int32_t k = random_range(random, 0, p->space->n_knobs - 1);
    p->candidate[k] = (uint8_t)random_range(random, 0, p->space->knobs[k].n_choices - 1);
}

static struct polishing polishing_start(const struct schedule_problem *problem,
                                        struct schedule *schedule, struct arena *scratch,
                                        struct diag *diag)
{
    const struct space *space = cost_model_space(problem->model);
    size_t n = (size_t)space->n_knobs + 1;
    return (struct polishing){.problem = problem,
                              .space = space,
                              .candidate = ARENA_ARRAY(scratch, n, uint8_t),
                              .from = ARENA_ARRAY(scratch, n, uint8_t),
                              .schedule = schedule,
                              .diag = diag};
}

enum status polish_units(const struct schedule_problem *problem, const struct pool *pool,
                         struct schedule *schedule, struct diag *diag)
{
    struct arena scratch = {0};
    struct polishing p = polishing_start(problem, schedule, &scratch, diag);
    enum status status = OK;
    for (int32_t i = 0; i < pool->n && status == OK; i++)
        for (int from_all = 0; from_all < 2 && status == OK; from_all++)
            status = units_anew(&p, pool->candidates[i], from_all, &scratch);
    arena_free(&scratch);
    return status;
}

enum status polish(const struct schedule_problem *problem, int32_t n_pairs,
                   struct schedule *schedule, struct diag *diag)
{
    struct arena scratch = {0};
    const struct space *space = cost_model_space(problem->model);
    struct random random = {1};
    struct polishing p = polishing_start(problem, schedule, &scratch, diag);
    enum status status = units_anew(&p, schedule->candidate, 1, &scratch);
    if (status == OK)
        status = singles(&p);
    for (int taken = 1; status == OK && taken && n_pairs > 0;) {
        taken = 0;
        status = unit_pairs(&p, n_pairs, &taken);
        if (status == OK && taken)
            status = singles(&p);
    }
    for (int32_t i = 0; i < n_pairs && status == OK && space->n_knobs > 0; i++) {
        int taken = 0;
        restart(&p);
        draw(&p, &random);
        draw(&p, &random);
        status = offer(&p, &taken);
        if (status == OK && taken)
            status = singles(&p);
    }
    arena_free(&scratch);
    return status;
}
