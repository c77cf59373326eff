/* SPDX-License-Identifier: Apache-2.0 */
#include "report/front.h"

#include <math.h>

#include "report/report.h"

int32_t front_knee(const struct front *front)
{
    const struct front_point *first = &front->points[0], *last = &front->points[front->n - 1];
    double flash = (double)(first->flash_bytes - last->flash_bytes), farthest = 0;
    double accuracy = first->validation - last->validation;
    int32_t knee = 0;
    if (front->n < 3 || !(flash > 0) || !(accuracy > 0))
        return 0;
    for (int32_t i = 1; i + 1 < front->n; i++) {
        const struct front_point *point = &front->points[i];
        double x = (double)(point->flash_bytes - last->flash_bytes) / flash;
        double above = (point->validation - last->validation) / accuracy - x;
        if (above > farthest) {
            farthest = above;
            knee = i;
        }
    }
    return knee;
}

/* "" where it is not known. */
static const char *percent(double share, struct arena *arena)
{
    return isfinite(share) ? arena_printf(arena, "%.2f", 100 * share) : "";
}

static const char *milliseconds(const struct front_point *point, const char *unknown,
                                struct arena *arena)
{
    return point->latency_ms > 0 ? arena_printf(arena, "%.4g", point->latency_ms) : unknown;
}

void front_csv(const struct front *front, struct text *text)
{
    text_printf(text, "point,flash_bytes,sram_bytes,instructions,latency_ms_estimate,"
                      "validation_percent,test_percent,knee\n");
    for (int32_t i = 0; i < front->n; i++) {
        const struct front_point *point = &front->points[i];
        text_printf(text, "%s,%lld,%lld,%lld,%s,%s,%s,%s\n", point->name,
                    (long long)point->flash_bytes, (long long)point->sram_bytes,
                    (long long)point->instructions, milliseconds(point, "", text->arena),
                    percent(point->validation, text->arena), percent(point->test, text->arena),
                    i == front->knee ? "knee" : "");
    }
}

void front_print(const struct front *front, struct text *text)
{
    static const char *const heads[] = {"point",        "flash, B",      "SRAM, B", "instructions",
                                        "latency, ms*", "validation, %", "test, %", ""};
    struct arena *arena = text->arena;
    struct table *table = table_start(arena, "lrrrrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        table_cell(table, "%s", heads[i]);
    table_rule(table);
    for (int32_t i = 0; i < front->n; i++) {
        const struct front_point *point = &front->points[i];
        table_cell(table, "%s", point->name);
        table_cell(table, "%s", thousands(arena, point->flash_bytes));
        table_cell(table, "%s", thousands(arena, point->sram_bytes));
        table_cell(table, "%s", thousands(arena, point->instructions));
        table_cell(table, "%s", milliseconds(point, "-", arena));
        table_cell(table, "%s", percent(point->validation, arena));
        table_cell(table, "%s", percent(point->test, arena));
        table_cell(table, "%s", i == front->knee && i > 0 ? "<- knee" : "");
    }
    table_print(table, text);
    text_printf(text, "* an estimate from the instructions\n");
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *front_json(const struct front *front)
{
    json_t *points = json_array();
    for (int32_t i = 0; i < front->n; i++) {
        const struct front_point *point = &front->points[i];
        json_array_append_new(
            points,
            json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "name", point->name, "flash_bytes",
                      (json_int_t)point->flash_bytes, "sram_bytes", (json_int_t)point->sram_bytes,
                      "instructions", (json_int_t)point->instructions, "latency_ms_estimate",
                      point->latency_ms > 0 ? json_real(point->latency_ms) : json_null(),
                      "validation", real_or_null(point->validation), "test",
                      real_or_null(point->test)));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "network", front->network, "target", front->target,
                     "knee", front->points[front->knee].name, "points", points);
}

/* ---- the diagram ---- */

enum { WIDTH = 420, HEIGHT = 320, LEFT = 60, RIGHT = 20, TOP = 40, BOTTOM = 50 };

struct axis {
    double low, high, step;
};

/* Round numbers around all values, some five steps apart. */
static struct axis axis_around(double low, double high)
{
    double rough = (high > low ? high - low : fabs(high) * 0.1 + 1e-9) / 5;
    double ten = pow(10, floor(log10(rough)));
    double step = rough <= 2 * ten ? 2 * ten : rough <= 5 * ten ? 5 * ten : 10 * ten;
    return (struct axis){floor(low / step) * step, ceil((high + 1e-9 * step) / step) * step, step};
}

static double place(const struct axis *axis, double value)
{
    return (value - axis->low) / (axis->high - axis->low);
}

/* Kilobytes, or millions of instructions. */
static double across(const struct front_point *point, int is_flash)
{
    return is_flash ? (double)point->flash_bytes / 1024 : (double)point->instructions / 1e6;
}

static void draw_grid(const struct axis *x, const struct axis *y, struct text *text)
{
    int right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
    for (double v = x->low; v <= x->high + x->step / 2; v += x->step) {
        double at = LEFT + place(x, v) * (right - LEFT);
        text_printf(text,
                    "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n",
                    at, TOP, at, bottom, at, bottom + 16, v);
    }
    for (double v = y->low; v <= y->high + y->step / 2; v += y->step) {
        double at = bottom - place(y, v) * (bottom - TOP);
        text_printf(text,
                    "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                    LEFT, at, right, at, LEFT - 6, at + 4, v);
    }
}

static void draw_points(const struct front *front, int is_flash, const struct axis *x,
                        const struct axis *y, struct text *text)
{
    int right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
    text_printf(text, "<polyline class=\"front\" points=\"");
    for (int32_t i = 0; i < front->n; i++)
        text_printf(text, "%.1f,%.1f ",
                    LEFT + place(x, across(&front->points[i], is_flash)) * (right - LEFT),
                    bottom - place(y, 100 * front->points[i].validation) * (bottom - TOP));
    text_printf(text, "\"/>\n");
    for (int32_t i = 0; i < front->n; i++) {
        const struct front_point *point = &front->points[i];
        double at = LEFT + place(x, across(point, is_flash)) * (right - LEFT);
        double up = bottom - place(y, 100 * point->validation) * (bottom - TOP);
        text_printf(
            text,
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>%s: %.4g %s, %.2f "
            "%%</title></circle>\n",
            i == front->knee ? "knee" : "point", at, up, i == front->knee ? 6 : 4, point->name,
            across(point, is_flash), is_flash ? "KB of flash" : "million instructions",
            100 * point->validation);
        if (i == front->knee && i > 0)
            text_printf(text, "<text x=\"%.1f\" y=\"%.1f\">knee</text>\n", at + 8, up + 14);
    }
}

static void draw_panel(const struct front *front, int is_flash, struct text *text)
{
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    for (int32_t i = 0; i < front->n; i++) {
        const struct front_point *point = &front->points[i];
        low_x = fmin(low_x, across(point, is_flash));
        high_x = fmax(high_x, across(point, is_flash));
        low_y = fmin(low_y, 100 * point->validation);
        high_y = fmax(high_y, 100 * point->validation);
    }
    struct axis x = axis_around(low_x, high_x), y = axis_around(low_y, high_y);
    text_printf(text, "<g transform=\"translate(%d 0)\">\n", is_flash ? 0 : WIDTH);
    draw_grid(&x, &y, text);
    text_printf(text, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12,
                is_flash ? "flash, KB" : "instructions, million");
    text_printf(text, "<text x=\"%d\" y=\"%d\">validation accuracy, %%</text>\n", LEFT - 40,
                TOP - 12);
    draw_points(front, is_flash, &x, &y, text);
    text_printf(text, "</g>\n");
}

/* Characters that markup needs. */
static void print_escaped(const char *name, struct text *text)
{
    for (; *name != '\0'; name++)
        if (*name == '<' || *name == '&')
            text_printf(text, "&#%d;", *name);
        else
            text_printf(text, "%c", *name);
}

void front_svg(const struct front *front, struct text *text)
{
    text_printf(text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n"
                "<style>.grid{stroke:#ddd}.front{fill:none;stroke:#36c;stroke-width:2}"
                ".point{fill:#36c}.knee{fill:#d33}</style>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
                "<text x=\"%d\" y=\"16\" font-weight=\"bold\" text-anchor=\"middle\">",
                2 * WIDTH, HEIGHT, WIDTH);
    print_escaped(front->network, text);
    text_printf(text, " on %s</text>\n", front->target);
    draw_panel(front, 1, text);
    draw_panel(front, 0, text);
    text_printf(text, "</svg>\n");
}
