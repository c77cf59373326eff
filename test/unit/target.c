/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

/* Before cmocka.h, whose macro fail() has the name of a function of ours. */
#include "target/target.h"

#include <cmocka.h>

static const struct target *found(const char *name)
{
    const struct target *target = NULL;
    struct diag diag;
    assert_int_equal(target_find(name, &target, &diag), OK);
    assert_non_null(target);
    return target;
}

static void check_message(const char *name, const char *message)
{
    const struct target *target = NULL;
    struct diag diag;
    assert_int_equal(target_find(name, &target, &diag), ERR_USAGE);
    assert_null(target);
    assert_string_equal(diag.message, message);
}

/* What the data sheets say of each device; a slip in the tables shows here. */
static void devices_have_their_data_sheets_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *core;
        uint32_t flash_kb, sram_kb, mhz;
    } facts[] = {
        {"stm32f072", "cortex-m0", 128, 16, 48},       {"rp2040", "cortex-m0plus", 2048, 264, 133},
        {"stm32f103c8", "cortex-m3", 64, 20, 72},      {"nrf52832", "cortex-m4", 512, 64, 64},
        {"nrf52840", "cortex-m4", 1024, 256, 64},      {"stm32f446", "cortex-m4", 512, 128, 180},
        {"stm32l4r5", "cortex-m4", 2048, 640, 120},    {"stm32f746", "cortex-m7", 1024, 320, 216},
        {"stm32h743", "cortex-m7", 2048, 512, 480},    {"stm32u585", "cortex-m33", 2048, 768, 160},
        {"corstone300", "cortex-m55", 2048, 4096, 32}, {"esp32c3", "rv32imc", 4096, 384, 160},
        {"gd32vf103", "rv32imac", 128, 32, 108},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const struct target *target = found(facts[i].name);
        assert_string_equal(target->core->name, facts[i].core);
        assert_int_equal(target->flash_bytes, facts[i].flash_kb * 1024);
        assert_int_equal(target->sram_bytes, facts[i].sram_kb * 1024);
        assert_int_equal(target->clock_hz, facts[i].mhz * 1000000);
        assert_true(strlen(target->source) > 10);
    }
}

static void bare_cores_have_their_machines_memories(void **state)
{
    (void)state;
    static const char *const names[] = {"cortex-m0",  "cortex-m0plus", "cortex-m3",
                                        "cortex-m4",  "cortex-m7",     "cortex-m33",
                                        "cortex-m55", "rv32imc",       "rv32imac"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct target *target = found(names[i]);
        assert_string_equal(target->core->name, names[i]);
        assert_int_equal(target->flash_bytes, target->core->machine_flash_bytes);
        assert_int_equal(target->sram_bytes, target->core->machine_sram_bytes);
        assert_non_null(target->core->emulator);
    }
    assert_null(found("host")->core->emulator);
}

/* A timer tick is never longer than an instruction. */
static void ticks_are_finer_than_instructions(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_targets(); i++) {
        const struct core *core = target_at(i)->core;
        if (core->emulator == NULL)
            continue;
        uint64_t ticks_in_a_second_of_instructions = (uint64_t)core->timer_hz << core->icount_shift;
        assert_true(ticks_in_a_second_of_instructions >= UINT64_C(1000000000));
    }
}

static void names_are_unique_and_found_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_targets(); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(target_at(i)->name, target_at(j)->name);
    assert_null(target_at(n_targets()));
    assert_string_equal(found("STM32F103c8")->name, "stm32f103c8");
    assert_string_equal(found("Cortex-M55")->name, "cortex-m55");
}

static void near_names_are_suggested(void **state)
{
    (void)state;
    check_message("stm32f447", "target 'stm32f447' is not known; near it: stm32f446, stm32f746; "
                               "'dtmm targets' lists all of them");
    check_message("STM32F446RE", "target 'STM32F446RE' is not known; near it: stm32f446; "
                                 "'dtmm targets' lists all of them");
    check_message("nrf528", "target 'nrf528' is not known; near it: nrf52832, nrf52840; "
                            "'dtmm targets' lists all of them");
    check_message("M4", "target 'M4' is not known; near it: cortex-m4; 'dtmm targets' lists all of "
                        "them");
    check_message("quantum", "target 'quantum' is not known; 'dtmm targets' lists all of them");
    check_message("", "target '' is not known; 'dtmm targets' lists all of them");
}

static void long_names_are_refused(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    check_message(name, "target 'xxxxxxxxxxxxxxxx...' is not known; 'dtmm targets' lists all of "
                        "them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_have_their_data_sheets_sizes),
        cmocka_unit_test(bare_cores_have_their_machines_memories),
        cmocka_unit_test(ticks_are_finer_than_instructions),
        cmocka_unit_test(names_are_unique_and_found_in_any_case),
        cmocka_unit_test(near_names_are_suggested),
        cmocka_unit_test(long_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
