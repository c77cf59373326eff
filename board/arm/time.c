/* SPDX-License-Identifier: Apache-2.0 */
/* SysTick, 24 bits downwards at the processor's clock, extended by its interrupt. */
#include "harness.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define SYST_MAX 0xFFFFFFu
#define SYST_ENABLE_INTERRUPT_PROCESSOR_CLOCK 7u

volatile uint32_t board_time_wraps;

/* Exactly five instructions: the host subtracts them for every wrap (core.wrap_instructions). */
__asm__(".syntax unified\n"
        ".section .text.systick_handler, \"ax\", %progbits\n"
        ".thumb_func\n"
        ".global systick_handler\n"
        ".type systick_handler, %function\n"
        ".align 2\n"
        "systick_handler:\n"
        "    ldr r0, 1f\n"
        "    ldr r1, [r0]\n"
        "    adds r1, r1, #1\n"
        "    str r1, [r0]\n"
        "    bx lr\n"
        ".align 2\n"
        "1:  .word board_time_wraps\n"
        ".size systick_handler, . - systick_handler\n"
        ".section .text.board_loop, \"ax\", %progbits\n"
        ".thumb_func\n"
        ".global board_loop\n"
        ".type board_loop, %function\n"
        ".align 2\n"
        "board_loop:\n"
        "    subs r0, r0, #1\n"
        "    bne board_loop\n"
        "    bx lr\n"
        ".size board_loop, . - board_loop\n"
        ".text\n");

void board_time_start(void)
{
    SYST_RVR = SYST_MAX;
    SYST_CVR = 0;
    SYST_CSR = SYST_ENABLE_INTERRUPT_PROCESSOR_CLOCK;
}

struct board_time board_time(void)
{
    uint32_t wraps, value;
    do {
        wraps = board_time_wraps;
        value = SYST_CVR;
    } while (wraps != board_time_wraps);
    return (struct board_time){((uint64_t)wraps << 24) + (SYST_MAX - value), wraps};
}
