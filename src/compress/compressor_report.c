/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "compress/compressor_internal.h"
#include "target/latency.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *round_json(const struct round *round)
{
    const struct device_facts *device = &round->device;
    json_t *json =
        json_pack("{s:s, s:i, s:I, s:I, s:o, s:o}", "name", round->name, "epochs", round->n_epochs,
                  "flash_bytes", (json_int_t)device->flash_bytes, "sram_bytes",
                  (json_int_t)device->sram_bytes, "instructions",
                  device->instructions < 0 ? json_null() : json_integer(device->instructions),
                  "validation", number(round->accuracy));
    if (round->expected[BUDGET_FLASH] > 0)
        json_object_set_new(
            json, "predicted",
            json_pack("{s:f, s:f, s:f, s:f}", "flash_bytes", round->expected[BUDGET_FLASH],
                      "sram_bytes", round->expected[BUDGET_SRAM], "instructions",
                      round->expected[BUDGET_INSTRUCTIONS], "loss", round->expected[BUDGET_LOSS]));
    if (round->expected[BUDGET_FLASH] > 0)
        json_object_set_new(json, "bound", number(round->bound));
    return json;
}

json_t *compressor_json(const struct compressor *c, const struct round *best)
{
    const struct compressor_options *options = c->options;
    json_t *rounds = json_array();
    json_t *budgets = json_pack(
        "{s:I, s:I, s:o, s:o, s:o}", "flash_bytes", (json_int_t)options->flash_budget, "sram_bytes",
        (json_int_t)options->sram_budget, "instructions", number(options->most_instructions),
        "max_drop", number(options->most_drop), "min_accuracy",
        options->min_accuracy > 0 ? json_real(options->min_accuracy) : json_null());
    double seconds = latency_seconds(options->target, (double)best->device.instructions);
    json_array_append_new(rounds, round_json(&c->dense));
    for (int32_t i = 0; i < c->n_rounds; i++)
        json_array_append_new(rounds, round_json(&c->rounds[i]));
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:i, s:i, s:o, s:o}", "objective",
                     objective_name(options->objective), "budgets", budgets, "rounds", rounds,
                     "round", best->name, "validation_reference", number(c->reference),
                     "validation", number(best->accuracy), "instructions",
                     json_integer(best->device.instructions), "samples_equal", best->device.n_equal,
                     "samples_compared", EQUAL_SAMPLES, "latency_ms_estimate",
                     seconds > 0 ? json_real(1000 * seconds) : json_null(), "recipe",
                     best->recipe != NULL ? json_loads(best->recipe, 0, NULL) : json_null());
}
