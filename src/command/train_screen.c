/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "command/train_options.h"

struct train_screen train_screen_start(int32_t rank)
{
    return (struct train_screen){.silent = rank > 0, .terminal = isatty(STDERR_FILENO)};
}

static void print_time(double seconds)
{
    long whole = lround(seconds);
    if (whole >= 3600)
        fprintf(stderr, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        fprintf(stderr, "%ld:%02ld", whole / 60, whole % 60);
}

static void print_figures(const struct epoch_result *result)
{
    fprintf(stderr, "loss %.4f", result->loss);
    if (!isnan(result->accuracy))
        fprintf(stderr, ", accuracy %.2f %%", 100 * result->accuracy);
    if (!isnan(result->validation_loss))
        fprintf(stderr, ", validation loss %.4f", result->validation_loss);
    if (!isnan(result->validation_accuracy))
        fprintf(stderr, ", accuracy %.2f %%", 100 * result->validation_accuracy);
    fprintf(stderr, ", %.0f images/s, ", result->images_per_second);
    if (!isnan(result->seconds_left))
        print_time(result->seconds_left);
    fprintf(stderr, " left");
}

void train_screen_show(void *context, const struct epoch_result *result)
{
    struct train_screen *screen = context;
    enum { BAR = 24 };
    if (screen->silent || (!screen->terminal && result->progress < 1))
        return;
    if (screen->terminal)
        fputs("\r\033[K", stderr);
    fprintf(stderr, "epoch %*d/%d ", result->n_epochs > 99 ? 3 : 2, result->epoch,
            result->n_epochs);
    screen->bar_shown = result->progress < 1;
    if (screen->bar_shown) {
        fputc('[', stderr);
        for (int i = 0; i < BAR; i++)
            fputc(i < result->progress * BAR ? '#' : ' ', stderr);
        fputs("] ", stderr);
    }
    print_figures(result);
    if (!screen->bar_shown)
        fputs(result->is_best ? " (best)\n" : "\n", stderr);
    fflush(stderr);
}

void train_screen_end(struct train_screen *screen)
{
    if (screen->bar_shown)
        fputc('\n', stderr);
    screen->bar_shown = 0;
}
