/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/probes.h"

#include <math.h>
#include <string.h>

/* Of the largest loss by scores, what the milder probe of a knob has. */
static const double MILD = 1.0 / 3;

/* The choice whose loss by scores is nearest to a number. */
static int32_t choice_at(const struct knob *knob, const double *losses, double wanted)
{
    int32_t best = 1;
    for (int32_t i = 2; i < knob->n_choices; i++)
        if (fabs(losses[i] - wanted) < fabs(losses[best] - wanted))
            best = i;
    return best;
}

struct probes probes_choose(const struct space *space, struct arena *arena)
{
    struct arena scratch = {0};
    struct loss_table *scores = loss_of_scores(space, NULL, &scratch);
    struct probes probes = {0, ARENA_ARRAY(arena, (size_t)space->n_knobs * 2 + 1, struct probe),
                            ARENA_ARRAY(arena, (size_t)space->n_knobs * 2 + 1, double)};
    for (int32_t k = 0; k < space->n_knobs; k++) {
        const struct knob *knob = &space->knobs[k];
        if (knob->n_choices < 2)
            continue;
        int32_t most = choice_at(knob, scores->of[k], (double)INFINITY);
        for (int32_t i = 1; i < knob->n_choices; i++)
            if (scores->of[k][i] > scores->of[k][most])
                most = i;
        int32_t mild = choice_at(knob, scores->of[k], MILD * scores->of[k][most]);
        if (mild != most)
            probes.list[probes.n++] = (struct probe){k, mild};
        probes.list[probes.n++] = (struct probe){k, most};
    }
    arena_free(&scratch);
    return probes;
}

const char *probe_recipe(const struct space *space, const struct probe *probe, struct arena *arena)
{
    uint8_t *candidate = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, uint8_t);
    candidate[probe->knob] = (uint8_t)probe->choice;
    return recipe_print(space_recipe(space, candidate, arena), space->graph, arena);
}

/* loss = a * score^b */
struct curve {
    double a, b;
};

/* Through one point, or two with ascending scores. Losses that do not grow are taken as the mean.
 */
static struct curve curve_through(int n, const double *scores, const double *losses)
{
    static const double flattest = 0.5, steepest = 3;
    double b = 1, at = log(scores[n - 1]), loss = log(losses[n - 1]);
    if (n == 2 && scores[1] > scores[0]) {
        b = (log(losses[1]) - log(losses[0])) / (log(scores[1]) - log(scores[0]));
        b = fmin(fmax(b, flattest), steepest);
        at = (log(scores[0]) + log(scores[1])) / 2;
        loss = (log(losses[0]) + log(losses[1])) / 2;
    }
    return (struct curve){exp(loss - b * at), b};
}

/* A thousandth of the mean of what was measured: less is noise. */
static double least_of(const struct probes *probes)
{
    double sum = 0;
    for (int32_t i = 0; i < probes->n; i++)
        sum += fmax(probes->losses[i], 0);
    return sum > 0 ? sum / probes->n / 1000 : 1e-6;
}

struct loss_table *loss_of_probes(const struct space *space, const struct probes *probes,
                                  struct arena *arena)
{
    struct loss_table *table = loss_of_scores(space, NULL, arena);
    double least = least_of(probes);
    for (int32_t k = 0, next = 0; k < space->n_knobs; k++) {
        double scores[2], losses[2];
        int n = 0;
        for (; next < probes->n && probes->list[next].knob == k; next++) {
            scores[n] = fmax(table->of[k][probes->list[next].choice], 1e-9);
            losses[n++] = fmax(probes->losses[next], least);
        }
        if (n == 0)
            continue;
        struct curve curve = curve_through(n, scores, losses);
        for (int32_t c = 1; c < space->knobs[k].n_choices; c++)
            table->of[k][c] = curve.a * pow(fmax(table->of[k][c], 1e-9), curve.b);
    }
    return table;
}
