/* SPDX-License-Identifier: Apache-2.0 */
/* The program's commands and what they share. */
#ifndef DTMM_COMMAND_COMMAND_H
#define DTMM_COMMAND_COMMAND_H

#include <getopt.h>
#include <jansson.h>

#include "base/arena.h"
#include "base/status.h"
#include "driver/driver.h"

/* A command: parses its own arguments (argv[0] is its name) and prints its result to stdout. */
struct command {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    const char *help;    /* everything --help prints */
    enum status (*run)(const struct command *command, int argc, char **argv, struct diag *diag);
};

extern const struct command COMMANDS[]; /* ends with a NULL name */

enum status command_inspect(const struct command *, int argc, char **argv, struct diag *);
enum status command_train(const struct command *, int argc, char **argv, struct diag *);
enum status command_eval(const struct command *, int argc, char **argv, struct diag *);
enum status command_prune(const struct command *, int argc, char **argv, struct diag *);
enum status command_sweep(const struct command *, int argc, char **argv, struct diag *);
enum status command_compress(const struct command *, int argc, char **argv, struct diag *);
enum status command_quantize(const struct command *, int argc, char **argv, struct diag *);
enum status command_run(const struct command *, int argc, char **argv, struct diag *);
enum status command_verify(const struct command *, int argc, char **argv, struct diag *);
enum status command_data(const struct command *, int argc, char **argv, struct diag *);
enum status command_targets(const struct command *, int argc, char **argv, struct diag *);

/* ---- options.c ---- */

/* Parsed arguments: options by the `val` of their struct option, and what is not an option. */
struct arguments {
    const char *value[128]; /* by option letter; "" for a flag that was given, NULL: not given */
    const char *positional[4];
    int n_positional;
};

/* Parses the arguments of a command against `options` (long names; `val` is the letter, also its
 * short form when `letters` has it, as for getopt). --help prints the help and ends the program.
 * Exactly `n_positional` other arguments must be there; `usage` names them. */
enum status arguments_parse(const struct command *command, int argc, char **argv,
                            const struct option *options, const char *letters, int n_positional,
                            struct arguments *arguments, struct diag *diag);

/* "64K", "1M", "4096" to bytes (K = 1024). */
enum status parse_bytes(const char *option, const char *value, size_t *bytes, struct diag *diag);

/* A number in 0 .. 1, both included. */
enum status parse_share(const char *option, const char *value, double *number, struct diag *diag);

/* A number in [low, high). */
enum status parse_fraction(const char *option, const char *value, double low, double high,
                           double *number, struct diag *diag);

/* A whole number in [low, high]. */
enum status parse_whole(const char *option, const char *value, long low, long high, long *number,
                        struct diag *diag);

/* -d PASS: ERR_USAGE unless the pass is NULL or one of `passes` (ends with NULL), and when the
 * result is to be JSON too. */
enum status check_dump(const char *pass, const char *const *passes, int as_json, struct diag *diag);

/* Prints the JSON to stdout, indented, with a newline, and releases it. */
void print_json(json_t *json);

#endif
