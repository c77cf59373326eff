/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "command/command.h"

static void print_help(void)
{
    puts("usage: dtmm COMMAND ...\n"
         "\n"
         "Turns trained neural networks into small, fast C libraries for microcontrollers and "
         "proves\n"
         "on an emulated device that they give the same answers.\n");
    for (const struct command *command = COMMANDS; command->name != NULL; command++)
        printf("  %-10s %s\n", command->name, command->summary);
    puts("\n"
         "  --help     this text; 'dtmm COMMAND --help' tells more\n"
         "  --version  print the version\n"
         "\n"
         "exit codes: 0 success; 1 wrong input, command line or budget; 2 a tool is missing or\n"
         "failed; 3 outputs differ");
}

static int finish(enum status status, const struct diag *diag)
{
    if (fflush(stdout) != 0 && status == OK) {
        fputs("dtmm: cannot write to the standard output\n", stderr);
        return status_exit_code(ERR_IO);
    }
    if (status != OK)
        fprintf(stderr, "dtmm: %s\n", diag->message);
    return status_exit_code(status);
}

int main(int argc, char **argv)
{
    struct diag diag = {0};
    signal(SIGXFSZ, SIG_IGN); /* writing fails instead */
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help();
        return argc > 1 ? finish(OK, &diag) : 1;
    }
    if (strcmp(name, "--version") == 0) {
        puts("dtmm " DTMM_VERSION);
        return finish(OK, &diag);
    }
    for (const struct command *command = COMMANDS; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return finish(command->run(command, argc - 1, argv + 1, &diag), &diag);
    return finish(fail(&diag, ERR_USAGE, "there is no command '%s'; see 'dtmm --help'", name),
                  &diag);
}
