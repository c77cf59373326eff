/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "command/command.h"
#include "command/train_options.h"
#include "train/checkpoint.h"
#include "train/initialize.h"

/* What the observer and the saver need. */
struct session {
    const struct train_request *request;
    const char *settings;
    const char *folder;
    struct arena *arena;
    struct text curve; /* curve.csv */
    struct train_screen screen;
    struct epoch_result last;
};

static const char *in_folder(struct session *session, const char *name)
{
    return arena_printf(session->arena, "%s/%s", session->folder, name);
}

/* ---- the curve ---- */

static const char curve_header[] =
    "epoch,rate,loss,accuracy,validation_loss,validation_accuracy,best\n";

/* The lines of the epochs that a checkpoint has seen, from the folder of an earlier run. */
static void curve_start(struct session *session, const char *folder, int32_t n_epochs)
{
    struct file file;
    struct diag unused;
    session->curve = text_start(session->arena);
    text_printf(&session->curve, "%s", curve_header);
    const char *path = arena_printf(session->arena, "%s/curve.csv", folder);
    if (n_epochs == 0 || file_read(path, session->arena, &file, &unused) != OK)
        return;
    const char *line = strchr((const char *)file.data, '\n');
    for (int32_t i = 0; i < n_epochs && line != NULL && line[1] != '\0'; i++) {
        const char *end = strchr(line + 1, '\n');
        if (end == NULL)
            return;
        text_append(&session->curve, line + 1, (size_t)(end - line));
        line = end;
    }
}

static void curve_add(struct session *session, const struct epoch_result *result)
{
    text_printf(&session->curve, "%d,%.6g,%.6g,%.5f,%.6g,%.5f,%d\n", result->epoch, result->rate,
                result->loss, result->accuracy, result->validation_loss,
                result->validation_accuracy, result->is_best);
}

/* ---- what the trainer calls ---- */

static void observe(void *context, const struct epoch_result *result)
{
    struct session *session = context;
    train_screen_show(&session->screen, result);
    if (result->progress < 1)
        return;
    session->last = *result;
    curve_add(session, result);
}

static enum status save(void *context, const struct trainer *trainer, struct diag *diag)
{
    struct session *session = context;
    if (trainer->distributed.rank > 0)
        return OK;
    TRY(file_write(in_folder(session, "curve.csv"), session->curve.data, session->curve.length,
                   diag));
    return checkpoint_write(in_folder(session, "checkpoint.safetensors"), trainer,
                            session->settings, diag);
}

/* ---- the command ---- */

static enum status finish(struct session *session, const struct trainer *trainer, struct diag *diag)
{
    const struct train_state *state = &trainer->state;
    distributed_wait(&trainer->distributed);
    if (trainer->distributed.rank > 0)
        return OK;
    const struct graph *graph = network_graph(trainer->network, session->arena);
    const char *path = in_folder(session, "model.safetensors");
    TRY(checkpoint_write_graph(path, graph, diag));
    TRY(driver_export(graph, in_folder(session, "model.tflite"), diag));
    int is_accuracy = trainer->settings->loss == LOSS_CROSS_ENTROPY &&
                      (trainer->teacher == NULL || trainer->settings->distill_share < 1);
    double best = is_accuracy ? state->best_score : -state->best_score;
    if (session->request->as_json) {
        json_t *json = json_pack("{s:s, s:s, s:i, s:i}", "network", session->request->net, "model",
                                 path, "epochs", state->epoch, "best_epoch", state->best_epoch);
        if (trainer->split.n_validation > 0)
            json_object_set_new(json, is_accuracy ? "validation_accuracy" : "validation_loss",
                                json_real(best));
        json_object_set_new(json, "images_per_second", json_real(session->last.images_per_second));
        json_object_set_new(json, "seconds", json_real(session->last.seconds));
        print_json(json);
        return OK;
    }
    printf("trained %d epochs", state->epoch);
    if (trainer->split.n_validation > 0)
        printf("; the best is epoch %d, validation %s %.5g", state->best_epoch,
               is_accuracy ? "accuracy" : "loss", best);
    printf("\n\nwritten: %s; next: dtmm eval %s --data %s\n", path, path,
           session->request->data.path);
    return OK;
}

static enum status run(struct session *session, struct trainer *trainer, struct diag *diag)
{
    const struct train_request *request = session->request;
    int stopped = 0;
    if (request->resume != NULL)
        TRY(checkpoint_read(
            arena_printf(session->arena, "%s/checkpoint.safetensors", request->resume),
            session->settings, trainer, diag));
    curve_start(session, request->resume != NULL ? request->resume : "", trainer->state.epoch);
    TRY(folder_make(session->folder, diag));
    session->screen = train_screen_start(trainer->distributed.rank);
    trainer->observer = observe;
    trainer->save = save;
    trainer->observer_context = trainer->save_context = session;
    enum status status = trainer_run(trainer, &stopped, diag);
    train_screen_end(&session->screen);
    TRY(status);
    if (!stopped)
        return finish(session, trainer, diag);
    if (trainer->distributed.rank == 0)
        fprintf(stderr, "stopped; go on with the same options and --resume %s\n", session->folder);
    return OK;
}

/* Unlabeled data: a teacher is all there is to learn from, or the samples themselves. */
static void choose_loss(struct train_request *request, const struct dataset *dataset)
{
    struct train_settings *settings = &request->settings;
    if (dataset->labels == NULL && dataset->targets == NULL && request->teacher != NULL &&
        !request->share_given)
        settings->distill_share = 1;
    if (request->loss_given)
        return;
    settings->loss = LOSS_CROSS_ENTROPY;
    if (dataset->labels == NULL && !(request->teacher != NULL && settings->distill_share >= 1))
        settings->loss = LOSS_MSE;
}

static enum status load_and_run(struct train_request *request, struct arena *arena,
                                struct diag *diag)
{
    struct graph *graph, *teacher = NULL;
    struct dataset dataset;
    struct trainer trainer = {0};
    TRY(driver_load(request->net, arena, &graph, diag));
    if (request->teacher != NULL)
        TRY(driver_load(request->teacher, arena, &teacher, diag));
    TRY(dataset_read(request->data.path, request->data.training_part, arena, &dataset, diag));
    TRY(data_options_scale(&request->data, dataset.type, &request->settings.scale, diag));
    choose_loss(request, &dataset);
    graph = initialize(graph, request->settings.seed, arena);
    struct session session = {.request = request,
                              .settings = train_request_text(request, arena),
                              .folder = request->out,
                              .arena = arena};
    enum status status =
        trainer_make(&request->settings, graph, teacher, &dataset, arena, &trainer, diag);
    if (status == OK) { /* said before the work, not after it */
        status = driver_export(graph, NULL, diag);
        if (status != OK)
            diag_prefix(diag, request->net);
    }
    if (status == OK)
        status = run(&session, &trainer, diag);
    trainer_free(&trainer);
    return status;
}

enum status command_train(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct arena arena = {0};
    struct train_request request;
    enum status status = train_request_parse(command, argc, argv, &arena, &request, diag);
    if (status == OK) {
        interrupt_hold();
        status = load_and_run(&request, &arena, diag);
        interrupt_release();
    }
    arena_free(&arena);
    return status;
}
