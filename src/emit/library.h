/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of a C library's files share: the names of everything that they mention. */
#ifndef DTMM_EMIT_LIBRARY_H
#define DTMM_EMIT_LIBRARY_H

#include "base/arena.h"
#include "base/text.h"
#include "emit/identifiers.h"
#include "emit/parameters.h"
#include "graph/graph.h"
#include "product/layout.h"
#include "product/packed.h"
#include "target/target.h"

/* A constant array of the source. */
struct library_array {
    const char *name;
    const char *c_type;
    const void *data;
    size_t n;
    int32_t call; /* the first that needs it */
};

struct library {
    struct arena *arena;
    const struct graph *graph;
    const struct packed *packed;
    const struct layout *layout;
    const struct target *target;
    const char *model;         /* the graph's name */
    const char *capitals;      /* the same in capitals, for macros */
    const char **input_names;  /* parameters of <model>_run(): "input", or the tensor's name when */
    const char **output_names; /* there are several */
    int32_t *producers;        /* by tensor: the node that computes it, or -1 */
    const char **variables;  /* by tensor: its pointer in <model>_run_in(), NULL when it has none */
    const char **parameters; /* by call: its parameter structure */
    const char **array_names;     /* by call * MAX_ARRAYS + array; "NULL" for an empty one */
    struct library_array *arrays; /* in the order of the calls; equal ones once */
    size_t n_arrays;
    const char **runtime_files; /* below runtime/, sorted */
    size_t n_runtime_files;
};

/* Chooses all names but runtime_files. Everything belongs to the arena. */
void library_prepare(struct library *library);

/* The tensor whose memory `tensor` has: itself, or what a reshape was made of. */
int32_t library_storage(const struct library *library, int32_t tensor);

/* The C expression of a pointer to the tensor in <model>_run_in(). */
const char *library_pointer(const struct library *library, int32_t tensor);

/* "int8_t", "float" or "int32_t". */
const char *library_c_type(enum dtype dtype);

/* "RESNET_INPUT": the start of the macros of an input's or output's parameter name. */
const char *library_macro(const struct library *library, const char *parameter);

/* "void <function>(<first>, inputs, outputs)"; one parameter a line when that is too long. `first`
 * may be empty. */
void library_prototype(const struct library *library, const char *function, const char *first,
                       struct text *text);

/* Prints a comment at the start of a line, broken at blanks behind 100 columns. */
void library_comment(const struct library *library, struct text *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* c_header.c, c_source.c, c_build.c: the contents of the files. */
void library_header(const struct library *library, struct text *text);
void library_source(const struct library *library, struct text *text);
void library_cmake(const struct library *library, struct text *text);
void library_readme(const struct library *library, struct text *text);

#endif
