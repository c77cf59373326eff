/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `dtmm train`, and what it shows while it works. */
#ifndef DTMM_COMMAND_TRAIN_OPTIONS_H
#define DTMM_COMMAND_TRAIN_OPTIONS_H

#include "command/command.h"
#include "command/data_options.h"
#include "train/trainer.h"

struct train_request {
    struct train_settings settings;
    struct data_options data; /* `settings` has its numbers */
    const char *net, *teacher, *resume, *out;
    int loss_given, share_given, as_json;
};

enum status train_request_parse(const struct command *command, int argc, char **argv,
                                struct arena *arena, struct train_request *request,
                                struct diag *diag);

/* All that decides the outcome, as options in one line. */
const char *train_request_text(const struct train_request *request, struct arena *arena);

/* Progress on stderr: a bar on a terminal, a line an epoch elsewhere; nothing on other ranks than
 * the first. */
struct train_screen {
    int silent, terminal, bar_shown;
};
struct train_screen train_screen_start(int32_t rank);
/* An observer of trainings (train/trainer.h); `screen` is a struct train_screen. */
void train_screen_show(void *screen, const struct epoch_result *result);
void train_screen_end(struct train_screen *screen);

#endif
