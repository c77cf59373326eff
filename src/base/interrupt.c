/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>

enum { N_SIGNALS = 3 };

static const int signals[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[N_SIGNALS];
static int holds;
static volatile sig_atomic_t noted;

static void note(int signal)
{
    noted = signal;
}

void interrupt_hold(void)
{
    if (holds++ > 0)
        return;
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < N_SIGNALS; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

void interrupt_release(void)
{
    assert(holds > 0);
    if (--holds > 0)
        return;
    for (int i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    int signal = noted;
    noted = 0;
    if (signal != 0)
        raise(signal);
}

int interrupt_noted(void)
{
    return noted != 0;
}
