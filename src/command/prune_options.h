/* SPDX-License-Identifier: Apache-2.0 */
/* The options of pruning and training that `dtmm prune` and `dtmm compress` have in common. */
#ifndef DTMM_COMMAND_PRUNE_OPTIONS_H
#define DTMM_COMMAND_PRUNE_OPTIONS_H

#include "command/data_options.h"
#include "prune/pruner.h"

/* Their lines in a command's list of options, with DATA_OPTIONS and "verbose" ('v'). */
#define PRUNE_OPTIONS                                                                              \
    DATA_OPTIONS, {"steps", required_argument, NULL, 'n'},                                         \
        {"epochs", required_argument, NULL, 'e'}, {"qat", required_argument, NULL, 'q'},           \
        {"batch", required_argument, NULL, 'b'}, {"lr", required_argument, NULL, 'r'},             \
        {"qat-lr", required_argument, NULL, 'Q'}, {"weight-decay", required_argument, NULL, 'w'},  \
        {"distill", no_argument, NULL, 'G'}, {"no-distill", no_argument, NULL, 'N'},               \
        {"distill-share", required_argument, NULL, 'A'},                                           \
        {"distill-features", required_argument, NULL, 'E'},                                        \
        {"feature-weight", required_argument, NULL, 'W'}, {"compensate", no_argument, NULL, 'C'},  \
        {"no-compensate", no_argument, NULL, 'P'}, {"augment", required_argument, NULL, 'a'},      \
        {"threads", required_argument, NULL, 'H'},                                                 \
    {                                                                                              \
        "resume", no_argument, NULL, 'm'                                                           \
    }

/* Sets what these options say; the model, what is to be removed and the paths are the command's. */
enum status prune_options_parse(const char *const *value, struct arena *arena,
                                struct pruner_options *options, struct diag *diag);

/* All that decides the outcome, in a line: the word that is first, then the options that are given
 * but those with a letter of `unimportant`. */
const char *settings_text(const struct option *options, const char *const *value, const char *first,
                          const char *unimportant, struct arena *arena);

#endif
