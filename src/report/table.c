/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"

struct cell {
    struct cell *next;
    const char *text; /* NULL: a rule, which takes a whole row */
};

struct table {
    struct arena *arena;
    const char *columns;
    struct cell *first, **end;
};

struct table *table_start(struct arena *arena, const char *columns)
{
    struct table *table = ARENA_NEW(arena, struct table);
    table->arena = arena;
    table->columns = arena_string(arena, columns);
    table->end = &table->first;
    return table;
}

static void add(struct table *table, const char *text)
{
    struct cell *cell = ARENA_NEW(table->arena, struct cell);
    cell->text = text;
    *table->end = cell;
    table->end = &cell->next;
}

void table_cell(struct table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(table, arena_vprintf(table->arena, format, arguments));
    va_end(arguments);
}

void table_rule(struct table *table)
{
    add(table, NULL);
}

static void print_rule(const size_t *widths, size_t n_columns, struct text *text)
{
    size_t total = 2 * (n_columns - 1);
    for (size_t i = 0; i < n_columns; i++)
        total += widths[i];
    while (total-- > 0)
        text_append(text, "-", 1);
    text_append(text, "\n", 1);
}

static void print_cell(const struct table *table, const char *cell, size_t column, size_t width,
                       struct text *text)
{
    int is_last = table->columns[column + 1] == '\0';
    if (table->columns[column] == 'r')
        text_printf(text, "%*s", (int)width, cell);
    else
        text_printf(text, "%-*s", is_last ? 0 : (int)width, cell);
    text_printf(text, "%s", is_last ? "\n" : "  ");
}

void table_print(const struct table *table, struct text *text)
{
    size_t n_columns = strlen(table->columns);
    size_t *widths = ARENA_ARRAY(table->arena, n_columns, size_t);
    size_t column = 0;
    for (const struct cell *cell = table->first; cell != NULL; cell = cell->next) {
        if (cell->text == NULL)
            continue;
        if (strlen(cell->text) > widths[column])
            widths[column] = strlen(cell->text);
        column = (column + 1) % n_columns;
    }
    for (const struct cell *cell = table->first; cell != NULL; cell = cell->next) {
        if (cell->text == NULL) {
            print_rule(widths, n_columns, text);
            continue;
        }
        print_cell(table, cell->text, column, widths[column], text);
        column = (column + 1) % n_columns;
    }
}

const char *thousands(struct arena *arena, int64_t number)
{
    char digits[24];
    char grouped[32];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
            grouped[length++] = ',';
        grouped[length++] = digits[i];
    }
    grouped[length] = '\0';
    return arena_string(arena, grouped);
}
