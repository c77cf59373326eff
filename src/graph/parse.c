/* SPDX-License-Identifier: Apache-2.0 */
/* A lexer that yields one token at a time, and one function a statement. Linear in the size of the
 * text, no recursion; what the text makes us allocate is bounded before it is allocated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/facts.h"
#include "graph/graph.h"
#include "graph/name_set.h"

/* All constants, scales and zero points together: keeps `0*2000000000` from taking the host's
 * memory. */
#define CONSTANT_BYTES_MAX ((size_t)256 << 20)

enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_ARROW, TOKEN_EQUALS, TOKEN_END };

struct token {
    enum token_kind kind;
    const char *text; /* of a word or string (without quotes, escapes not decoded) */
    size_t length;
    int line, column;
};

struct parser {
    const char *at, *end, *line_start;
    int line;
    struct token token; /* the current one */
    struct arena *scratch;
    struct diag *diag;
    struct graph_builder builder;
    size_t constant_bytes;
};

/* Tensor ids of the input and output statements. */
struct id_list {
    int32_t n, size;
    int32_t *ids;
};

#define FAIL_AT(parser, where, format, ...)                                                        \
    fail((parser)->diag, ERR_INPUT, "line %d, column %d: " format, (where)->line, (where)->column, \
         __VA_ARGS__)
#define FAIL(parser, format, ...) FAIL_AT(parser, &(parser)->token, format, __VA_ARGS__)

/* ---- tokens ---- */

static int word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-' || c == '*';
}

/* Skips spaces, comments and empty lines. Returns whether a statement ends here: at the end of the
 * text, or when the next line with something on it is not indented. */
static int space_skip(struct parser *parser)
{
    while (parser->at < parser->end) {
        char c = *parser->at;
        if (c == '#') {
            while (parser->at < parser->end && *parser->at != '\n')
                parser->at++;
        } else if (c == '\n') {
            parser->line++;
            parser->line_start = ++parser->at;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            parser->at++;
        } else {
            return parser->at == parser->line_start;
        }
    }
    return 1;
}

static enum status string_scan(struct parser *parser)
{
    struct token *token = &parser->token;
    token->kind = TOKEN_STRING;
    token->text = ++parser->at;
    while (parser->at < parser->end && *parser->at != '"' && *parser->at != '\n') {
        int escape = *parser->at++ == '\\';
        if (escape && parser->at < parser->end && *parser->at != '\n')
            parser->at++;
    }
    if (parser->at >= parser->end || *parser->at != '"')
        return FAIL(parser, "%s", "the string is not closed on its line");
    token->length = (size_t)(parser->at - token->text);
    parser->at++;
    return OK;
}

static void token_place(struct parser *parser)
{
    struct token *token = &parser->token;
    token->line = parser->line;
    token->column = (int)(parser->at - parser->line_start) + 1;
    token->text = parser->at;
    token->length = 0;
}

/* Reads the next token: TOKEN_END at the end of a statement, then the next one's first. */
static enum status advance(struct parser *parser)
{
    const char *before = parser->at;
    struct token *token = &parser->token;
    token->kind = TOKEN_END;
    token_place(parser);
    int ended = space_skip(parser);
    /* The first token of a statement starts a line too, but there nothing is skipped. */
    if (parser->at == parser->end || (ended && parser->at != before))
        return OK;
    token_place(parser);
    if (*parser->at == '"')
        return string_scan(parser);
    if (*parser->at == '=') {
        token->kind = TOKEN_EQUALS;
        parser->at++;
        return OK;
    }
    if (parser->end - parser->at > 1 && memcmp(parser->at, "->", 2) == 0) {
        token->kind = TOKEN_ARROW;
        parser->at += 2;
        return OK;
    }
    if (!word_character(*parser->at))
        return FAIL(parser, "unexpected byte 0x%02x", (unsigned char)*parser->at);
    token->kind = TOKEN_WORD;
    while (parser->at < parser->end && word_character(*parser->at))
        parser->at++;
    token->length = (size_t)(parser->at - token->text);
    return OK;
}

/* The token for a message; long ones are cut. */
#define TOKEN_SHOWN(token) (int)((token)->length < 40 ? (token)->length : 40), (token)->text

static int word_is(const struct parser *parser, const char *word)
{
    const struct token *token = &parser->token;
    return token->kind == TOKEN_WORD && token->length == strlen(word) &&
           memcmp(token->text, word, token->length) == 0;
}

static enum status need_kind(struct parser *parser, enum token_kind kind, const char *what)
{
    if (parser->token.kind == kind)
        return OK;
    if (parser->token.kind == TOKEN_END)
        return FAIL(parser, "the line ends where %s should be", what);
    return FAIL(parser, "expected %s", what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Decodes the string that is the current token, and advances. */
static enum status string_take(struct parser *parser, const char *what, struct token *where,
                               char **string)
{
    TRY(need_kind(parser, TOKEN_STRING, what));
    struct token *token = &parser->token;
    char *out = *string = arena_alloc(parser->scratch, token->length + 1, 1);
    *where = *token;
    for (size_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        if (c == '\\') {
            c = token->text[++i];
            int high = -1, low = -1;
            if (c == 'x' && i + 2 < token->length) {
                high = hex_digit(token->text[i + 1]);
                low = hex_digit(token->text[i + 2]);
                i += 2;
            }
            if (c == 'x' && high >= 0 && low >= 0)
                c = (char)(high * 16 + low);
            else if (c != '"' && c != '\\')
                return FAIL(parser, "%s", "an escape must be \\\", \\\\ or \\xhh (lower case)");
        }
        if (c == '\0')
            return FAIL(parser, "%s", "a string cannot contain a zero byte");
        *out++ = c;
    }
    return advance(parser);
}

/* ---- numbers ---- */

static enum status digits_read(struct parser *parser, const char *text, size_t length, int64_t low,
                               int64_t high, int64_t *value)
{
    size_t i = length > 0 && text[0] == '-';
    int64_t magnitude = 0;
    if (i == length)
        return FAIL(parser, "'%.*s' is not an integer", TOKEN_SHOWN(&parser->token));
    for (; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FAIL(parser, "'%.*s' is not an integer", TOKEN_SHOWN(&parser->token));
        magnitude = magnitude * 10 + (text[i] - '0');
        if (magnitude > INT64_C(1) << 40)
            break;
    }
    *value = text[0] == '-' ? -magnitude : magnitude;
    if (i < length || *value < low || *value > high)
        return FAIL(parser, "'%.*s' is outside of %lld .. %lld", TOKEN_SHOWN(&parser->token),
                    (long long)low, (long long)high);
    return OK;
}

static enum status float_read(struct parser *parser, const char *text, size_t length, float *value)
{
    char word[64];
    size_t kept = length < sizeof word ? length : sizeof word - 1;
    memcpy(word, text, kept);
    word[kept] = '\0';
    char *end;
    *value = strtof(word, &end);
    /* strtof() alone would take inf, nan and hexadecimal numbers too. */
    if (kept == 0 || kept < length || strspn(word, "+-.0123456789eE") < kept || *end != '\0')
        return FAIL(parser, "'%.*s' is not a decimal number", TOKEN_SHOWN(&parser->token));
    if (!isfinite(*value))
        return FAIL(parser, "'%.*s' is too large for a 32-bit float", TOKEN_SHOWN(&parser->token));
    return OK;
}

static enum status i32_take(struct parser *parser, int64_t low, int32_t *value)
{
    int64_t wide;
    TRY(need_kind(parser, TOKEN_WORD, "an integer"));
    TRY(digits_read(parser, parser->token.text, parser->token.length, low, INT32_MAX, &wide));
    *value = (int32_t)wide;
    return advance(parser);
}

/* One value or value*count: stores it at most `room` times from element `i` on. */
static enum status value_take(struct parser *parser, enum dtype dtype, void *data, int64_t i,
                              int64_t room, int64_t *count)
{
    const struct token *token = &parser->token;
    const char *star = memchr(token->text, '*', token->length);
    size_t length = star != NULL ? (size_t)(star - token->text) : token->length;
    int64_t integer = 0;
    float real = 0;
    *count = 1;
    if (star != NULL)
        TRY(digits_read(parser, star + 1, token->length - length - 1, 1, INT32_MAX, count));
    if (*count > room)
        return FAIL(parser, "more values than the shape has, by %lld", (long long)(*count - room));
    if (dtype == DTYPE_F32)
        TRY(float_read(parser, token->text, length, &real));
    else if (dtype == DTYPE_S8)
        TRY(digits_read(parser, token->text, length, INT8_MIN, INT8_MAX, &integer));
    else
        TRY(digits_read(parser, token->text, length, INT32_MIN, INT32_MAX, &integer));
    for (int64_t k = i; k < i + *count; k++) {
        if (dtype == DTYPE_F32)
            ((float *)data)[k] = real;
        else if (dtype == DTYPE_S8)
            ((int8_t *)data)[k] = (int8_t)integer;
        else
            ((int32_t *)data)[k] = (int32_t)integer;
    }
    return advance(parser);
}

static int number_is(const struct token *token)
{
    return token->kind == TOKEN_WORD && strchr("+-.0123456789", token->text[0]) != NULL;
}

/* Memory for `n` values, counted against the limit. */
static enum status values_allocate(struct parser *parser, enum dtype dtype, int64_t n, void **data)
{
    size_t bytes = dtype_bytes(dtype);
    if ((size_t)n > (CONSTANT_BYTES_MAX - parser->constant_bytes) / bytes)
        return FAIL(parser, "constants of more than %zu MiB", CONSTANT_BYTES_MAX >> 20);
    parser->constant_bytes += (size_t)n * bytes;
    *data = arena_alloc(parser->builder.arena, (size_t)n, bytes);
    return OK;
}

/* Exactly `n` values; where `same` is set, a single one stands for all. */
static enum status values_take(struct parser *parser, enum dtype dtype, int64_t n, int same,
                               void **data)
{
    int64_t i = 0, count = 0;
    TRY(values_allocate(parser, dtype, n, data));
    while (number_is(&parser->token)) {
        TRY(value_take(parser, dtype, *data, i, n - i, &count));
        i += count;
    }
    if (same && i == 1) {
        for (; i < n; i++)
            memcpy((char *)*data + (size_t)i * dtype_bytes(dtype), *data, dtype_bytes(dtype));
    }
    if (i != n)
        return FAIL(parser, "expected %lld values, found %lld", (long long)n, (long long)i);
    return OK;
}

/* ---- statements ---- */

static enum status shape_take(struct parser *parser, struct shape *shape)
{
    TRY(need_kind(parser, TOKEN_WORD, "a shape, like 1x8x8x3 or scalar,"));
    const char *at = parser->token.text, *end = at + parser->token.length;
    if (word_is(parser, "scalar"))
        return advance(parser);
    for (;; at++) {
        int64_t dim;
        const char *cross = memchr(at, 'x', (size_t)(end - at));
        const char *stop = cross != NULL ? cross : end;
        if (shape->rank == MAX_RANK)
            return FAIL(parser, "a shape of more than %d dimensions", MAX_RANK);
        TRY(digits_read(parser, at, (size_t)(stop - at), 1, INT32_MAX, &dim));
        shape->dims[shape->rank++] = (int32_t)dim;
        if (shape_elements(shape) > INT32_MAX)
            return FAIL(parser, "a tensor of more than %d elements", INT32_MAX);
        if (cross == NULL)
            return advance(parser);
        at = cross;
    }
}

static enum status quantization_take(struct parser *parser, const struct shape *shape,
                                     struct quantization *quantization)
{
    void *scale = NULL, *zero_point = NULL;
    quantization->n = 1;
    if (word_is(parser, "axis")) {
        TRY(advance(parser));
        struct token where = parser->token;
        TRY(i32_take(parser, 0, &quantization->axis));
        if (quantization->axis >= shape->rank)
            return FAIL_AT(parser, &where, "axis %d of a tensor with %d dimensions",
                           quantization->axis, shape->rank);
        quantization->n = shape->dims[quantization->axis];
        if (!word_is(parser, "scale"))
            return FAIL(parser, "%s", "expected scale");
    }
    TRY(advance(parser));
    TRY(values_take(parser, DTYPE_F32, quantization->n, 0, &scale));
    if (word_is(parser, "zero_point")) {
        TRY(advance(parser));
        TRY(values_take(parser, DTYPE_S32, quantization->n, 1, &zero_point));
    } else {
        TRY(values_allocate(parser, DTYPE_S32, quantization->n, &zero_point));
    }
    if (quantization->n == 1)
        quantization->axis = 0;
    quantization->scale = scale;
    quantization->zero_point = zero_point;
    return OK;
}

/* init NAME: memory for values that training will draw */
static enum status initializer_take(struct parser *parser, struct tensor *tensor)
{
    void *data = NULL;
    TRY(advance(parser));
    TRY(need_kind(parser, TOKEN_WORD, "an initializer"));
    int initializer = initializer_find(parser->token.text, parser->token.length);
    if (initializer <= INITIALIZER_NONE || tensor->dtype != DTYPE_F32)
        return FAIL(parser, "'%.*s' is not an initializer of an f32 tensor",
                    TOKEN_SHOWN(&parser->token));
    TRY(values_allocate(parser, tensor->dtype, shape_elements(&tensor->shape), &data));
    tensor->initializer = (enum initializer)initializer;
    tensor->data = data;
    return advance(parser);
}

/* tensor "name" TYPE SHAPE [[axis N] scale S... [zero_point Z...]] [= VALUE... | init NAME] */
static enum status tensor_take(struct parser *parser)
{
    struct tensor tensor = {0};
    struct token where;
    char *name;
    TRY(string_take(parser, "the tensor's name in quotes", &where, &name));
    tensor.name = name;
    if (name_set_find(parser->builder.tensor_names, name) >= 0)
        return FAIL_AT(parser, &where, "a second tensor '%s'", name);
    TRY(need_kind(parser, TOKEN_WORD, "an element type"));
    int dtype = dtype_find(parser->token.text, parser->token.length);
    if (dtype < 0)
        return FAIL(parser, "'%.*s' is not an element type (f32, s8, s32)",
                    TOKEN_SHOWN(&parser->token));
    tensor.dtype = (enum dtype)dtype;
    TRY(advance(parser));
    TRY(shape_take(parser, &tensor.shape));
    if (word_is(parser, "axis") || word_is(parser, "scale"))
        TRY(quantization_take(parser, &tensor.shape, &tensor.quantization));
    if (parser->token.kind == TOKEN_EQUALS) {
        void *data = NULL;
        TRY(advance(parser));
        TRY(values_take(parser, tensor.dtype, shape_elements(&tensor.shape), 0, &data));
        tensor.data = data;
    } else if (word_is(parser, "init")) {
        TRY(initializer_take(parser, &tensor));
    }
    graph_add_tensor(&parser->builder, &tensor);
    return OK;
}

/* The id of the tensor whose name is the current token. */
static enum status reference_take(struct parser *parser, int32_t *id)
{
    struct token where;
    char *name;
    TRY(string_take(parser, "a tensor's name in quotes", &where, &name));
    *id = name_set_find(parser->builder.tensor_names, name);
    if (*id < 0)
        return FAIL_AT(parser, &where, "no tensor '%s' stands above", name);
    return OK;
}

static enum status ids_take(struct parser *parser, struct id_list *list)
{
    do {
        int32_t id;
        TRY(reference_take(parser, &id));
        if (list->n == list->size) {
            list->size = list->size == 0 ? 16 : 2 * list->size;
            int32_t *grown = ARENA_ARRAY(parser->scratch, (size_t)list->size, int32_t);
            if (list->n > 0)
                memcpy(grown, list->ids, (size_t)list->n * sizeof *grown);
            list->ids = grown;
        }
        list->ids[list->n++] = id;
    } while (parser->token.kind == TOKEN_STRING);
    return OK;
}

static enum status attribute_value_take(struct parser *parser, const struct attr_facts *facts,
                                        union attr_value *value)
{
    const struct token *token = &parser->token;
    TRY(need_kind(parser, TOKEN_WORD, "the attribute's value"));
    if (facts->type == ATTR_TYPE_i32)
        return i32_take(parser, INT32_MIN, &value->i32);
    if (facts->type == ATTR_TYPE_f32) {
        TRY(float_read(parser, token->text, token->length, &value->f32));
        return advance(parser);
    }
    int activation = activation_find(token->text, token->length);
    if (activation < 0)
        return FAIL(parser, "'%.*s' is not an activation", TOKEN_SHOWN(token));
    value->activation = (enum activation)activation;
    return advance(parser);
}

static enum status attributes_take(struct parser *parser, struct node *node)
{
    int32_t seen = 0;
    int32_t rank = parser->builder.graph->tensors[node->inputs[0]].shape.rank;
    node->attrs = attrs_initial(node->op, rank);
    while (parser->token.kind == TOKEN_WORD) {
        const struct token *token = &parser->token;
        int attr = attr_find(token->text, token->length);
        if (attr < 0 || !(op_facts(node->op)->attributes & (1 << attr)))
            return FAIL(parser, "%s has no attribute '%.*s'", op_name(node->op),
                        TOKEN_SHOWN(token));
        if (seen & (1 << attr))
            return FAIL(parser, "a second '%.*s'", TOKEN_SHOWN(token));
        seen |= 1 << attr;
        TRY(advance(parser));
        const struct attr_facts *facts = attr_facts((enum attr_index)attr);
        for (int32_t i = 0; i < attr_count(facts, rank); i++) {
            union attr_value value;
            TRY(attribute_value_take(parser, facts, &value));
            attr_set(&node->attrs, facts, i, value);
        }
    }
    return OK;
}

/* node OP NAME "input"... -> "output" [ATTRIBUTE VALUE...]... */
static enum status node_take(struct parser *parser)
{
    struct node node = {0};
    TRY(need_kind(parser, TOKEN_WORD, "an op"));
    int op = op_find(parser->token.text, parser->token.length);
    if (op < 0)
        return FAIL(parser, "'%.*s' is not an op", TOKEN_SHOWN(&parser->token));
    node.op = (enum op)op;
    TRY(advance(parser));
    TRY(need_kind(parser, TOKEN_WORD, "the node's name"));
    char *name = arena_alloc(parser->scratch, parser->token.length + 1, 1);
    memcpy(name, parser->token.text, parser->token.length);
    node.name = name;
    if (!identifier_is(name))
        return FAIL(parser, "'%.*s' is not a C identifier in lower case",
                    TOKEN_SHOWN(&parser->token));
    if (name_set_find(parser->builder.node_names, name) >= 0)
        return FAIL(parser, "a second node '%s'", name);
    TRY(advance(parser));
    do {
        if (node.n_inputs == MAX_INPUTS)
            return FAIL(parser, "more than %d inputs", MAX_INPUTS);
        TRY(reference_take(parser, &node.inputs[node.n_inputs++]));
    } while (parser->token.kind == TOKEN_STRING);
    TRY(need_kind(parser, TOKEN_ARROW, "->"));
    TRY(advance(parser));
    TRY(reference_take(parser, &node.output));
    TRY(attributes_take(parser, &node));
    graph_add_node(&parser->builder, &node);
    return OK;
}

/* graph NAME */
static enum status graph_take(struct parser *parser, struct arena *arena)
{
    if (!word_is(parser, "graph"))
        return FAIL(parser, "%s", "the text must start with 'graph NAME'");
    TRY(advance(parser));
    TRY(need_kind(parser, TOKEN_WORD, "the graph's name"));
    char *name = arena_alloc(parser->scratch, parser->token.length + 1, 1);
    memcpy(name, parser->token.text, parser->token.length);
    if (!identifier_is(name))
        return FAIL(parser, "'%.*s' is not a C identifier in lower case",
                    TOKEN_SHOWN(&parser->token));
    parser->builder = graph_start(arena, name);
    return advance(parser);
}

static enum status statement_take(struct parser *parser, struct id_list *inputs,
                                  struct id_list *outputs)
{
    if (word_is(parser, "tensor")) {
        TRY(advance(parser));
        TRY(tensor_take(parser));
    } else if (word_is(parser, "node")) {
        TRY(advance(parser));
        TRY(node_take(parser));
    } else if (word_is(parser, "input")) {
        TRY(advance(parser));
        TRY(ids_take(parser, inputs));
    } else if (word_is(parser, "output")) {
        TRY(advance(parser));
        TRY(ids_take(parser, outputs));
    } else {
        return FAIL(parser, "%s", "a line must start with tensor, input, node or output");
    }
    return OK;
}

static enum status line_end_take(struct parser *parser)
{
    if (parser->token.kind == TOKEN_END)
        return OK;
    return FAIL(parser, "unexpected '%.*s' at the end of the line", TOKEN_SHOWN(&parser->token));
}

static enum status text_parse(struct parser *parser, struct arena *arena)
{
    struct id_list inputs = {0}, outputs = {0};
    space_skip(parser);
    TRY(advance(parser));
    TRY(graph_take(parser, arena));
    TRY(line_end_take(parser));
    while (parser->at < parser->end) {
        TRY(advance(parser));
        TRY(statement_take(parser, &inputs, &outputs));
        TRY(line_end_take(parser));
    }
    graph_set_inputs(&parser->builder, inputs.ids, inputs.n);
    graph_set_outputs(&parser->builder, outputs.ids, outputs.n);
    return graph_verify(parser->builder.graph, parser->diag);
}

enum status graph_parse(const char *source, size_t length, struct arena *arena,
                        struct graph **graph, struct diag *diag)
{
    struct arena scratch = {0};
    struct parser parser = {.at = source,
                            .end = source + length,
                            .line_start = source,
                            .line = 1,
                            .scratch = &scratch,
                            .diag = diag};
    enum status status = text_parse(&parser, arena);
    arena_free(&scratch);
    if (status == OK)
        *graph = parser.builder.graph;
    return status;
}
