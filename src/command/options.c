/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "command/command.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status wrong_option(const struct command *command, char **argv, int missing_value,
                                struct diag *diag)
{
    return fail(diag, ERR_USAGE, "%s '%s'; see 'dtmm %s --help'",
                missing_value ? "a value must follow" : "there is no option", argv[optind - 1],
                command->name);
}

static const char *long_name(const struct option *options, int letter)
{
    while (options->val != letter)
        options++;
    return options->name;
}

/* Values are told apart by their letters alone. */
static int letters_differ(const struct option *options)
{
    int seen[128] = {0};
    for (; options->name != NULL; options++)
        if (seen[options->val]++)
            return 0;
    return 1;
}

enum status arguments_parse(const struct command *command, int argc, char **argv,
                            const struct option *options, const char *letters, int n_positional,
                            struct arguments *arguments, struct diag *diag)
{
    assert(letters_differ(options));
    char *spec = malloc(strlen(letters) + 4);
    if (spec == NULL)
        return fail(diag, ERR_TOOL, "out of memory");
    sprintf(spec, ":h%s", letters);
    *arguments = (struct arguments){0};
    optind = 1;
    opterr = 0;
    enum status status = OK;
    int letter;
    while (status == OK && (letter = getopt_long(argc, argv, spec, options, NULL)) != -1) {
        if (letter == 'h') {
            fputs(command->help, stdout);
            exit(0);
        }
        if (letter == '?' || letter == ':')
            status = wrong_option(command, argv, letter == ':', diag);
        else if (optarg != NULL && arguments->value[letter] != NULL)
            status = fail(diag, ERR_USAGE, "--%s is given twice: %s and %s",
                          long_name(options, letter), arguments->value[letter], optarg);
        else
            arguments->value[letter] = optarg != NULL ? optarg : "";
    }
    free(spec);
    if (status != OK)
        return status;
    if (argc - optind != n_positional)
        return fail(diag, ERR_USAGE, "%s; see 'dtmm %s --help'",
                    argc - optind < n_positional ? "an argument is missing" : "too many arguments",
                    command->name);
    for (int i = 0; i < n_positional; i++)
        arguments->positional[arguments->n_positional++] = argv[optind + i];
    return OK;
}

enum status parse_bytes(const char *option, const char *value, size_t *bytes, struct diag *diag)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    unsigned shift = 0;
    if (*end == 'k' || *end == 'K')
        shift = 10;
    else if (*end == 'm' || *end == 'M')
        shift = 20;
    if (shift != 0)
        end++;
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number == 0 ||
        number > (1ull << 40) >> shift)
        return fail(diag, ERR_USAGE, "%s %s: not a size; write it as 64K, 1M or 4096", option,
                    value);
    *bytes = (size_t)(number << shift);
    return OK;
}

enum status parse_fraction(const char *option, const char *value, double low, double high,
                           double *number, struct diag *diag)
{
    char *end;
    *number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(*number) || *number < low || *number >= high)
        return fail(diag, ERR_USAGE, "%s %s: must be a number from %g to below %g", option, value,
                    low, high);
    return OK;
}

enum status parse_share(const char *option, const char *value, double *number, struct diag *diag)
{
    struct diag unused;
    if (parse_fraction(option, value, 0, nextafter(1, 2), number, &unused) == OK)
        return OK;
    return fail(diag, ERR_USAGE, "%s %s: must be a number from 0 to 1", option, value);
}

enum status parse_whole(const char *option, const char *value, long low, long high, long *number,
                        struct diag *diag)
{
    char *end;
    errno = 0;
    *number = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || *number < low || *number > high)
        return fail(diag, ERR_USAGE, "%s %s: must be a whole number from %ld to %ld", option, value,
                    low, high);
    return OK;
}

enum status check_dump(const char *pass, const char *const *passes, int as_json, struct diag *diag)
{
    if (pass == NULL)
        return OK;
    if (as_json)
        return fail(diag, ERR_USAGE,
                    "--json and -d %s both write to the standard output; choose one", pass);
    struct arena scratch = {0};
    const char *names = "";
    int found = 0;
    for (const char *const *name = passes; *name != NULL; name++) {
        names = arena_printf(&scratch, "%s %s", names, *name);
        found |= strcmp(pass, *name) == 0;
    }
    enum status status = OK;
    if (!found)
        status = fail(diag, ERR_USAGE, "-d %s: there is no such pass; there are:%s", pass, names);
    arena_free(&scratch);
    return status;
}

void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(json);
}
