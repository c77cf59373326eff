/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions-retired counter, 64 bits in two registers. */
#include "harness.h"

__asm__(".section .text.board_loop, \"ax\", @progbits\n"
        ".global board_loop\n"
        ".type board_loop, @function\n"
        "board_loop:\n"
        "    addi a0, a0, -1\n"
        "    bnez a0, board_loop\n"
        "    ret\n"
        ".size board_loop, . - board_loop\n"
        ".text\n");

void board_time_start(void)
{
    __asm__ volatile(
        ".option push\n\t.option arch, +zicsr\n\tcsrw 0x320, zero\n\t.option pop"); /* mcountinhibit:
                                                                                       count */
}

struct board_time board_time(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile(".option push\n\t"
                         ".option arch, +zicsr\n\t"
                         "csrr %0, minstreth\n\t"
                         "csrr %1, minstret\n\t"
                         "csrr %2, minstreth\n\t"
                         ".option pop"
                         : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (struct board_time){((uint64_t)high << 32) | low, 0};
}
