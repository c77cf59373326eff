/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of datasets share, and the list of them. Private to src/data. */
#ifndef DTMM_DATA_READER_H
#define DTMM_DATA_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "data/dataset.h"

/* At most so many bytes are unpacked for a dataset, and at most so many classes are told apart. */
#define DATASET_BYTES_MAX (UINT64_C(4) << 30)
enum { DATASET_CLASSES_MAX = 4096, IMAGE_SIDE_MAX = 8192 };

/* One call of dataset_read(). */
struct reader {
    const char *path;
    enum dataset_part part;
    struct arena *arena;   /* for what the dataset keeps */
    struct arena *scratch; /* for what only reading needs */
    uint64_t room;         /* bytes that may still be unpacked */
    struct diag *diag;
};

/* Reads whatever is at reader->path. */
enum status reader_run(struct reader *reader, struct dataset *dataset);

/* DATASET_TRAIN_HELD_OUT and DATASET_TEST_REST, of any format. */
enum status held_out_read(struct reader *reader, struct dataset *dataset);

/* ---- the formats, each of one folder or file ---- */
enum status idx_read(struct reader *reader, const char *folder, struct dataset *dataset);
enum status cifar_read(struct reader *reader, const char *folder, struct dataset *dataset);
enum status arrays_read_folder(struct reader *reader, const char *folder, struct dataset *dataset);
enum status arrays_read_files(struct reader *reader, const char *files, struct dataset *dataset);
enum status csv_read_folder(struct reader *reader, const char *folder, struct dataset *dataset);
enum status csv_read_file(struct reader *reader, const char *file, struct dataset *dataset);
enum status images_read(struct reader *reader, const char *folder, struct dataset *dataset);

/* Whether the folder has files of the format. */
int idx_found(struct reader *reader, const char *folder);
int cifar_found(struct reader *reader, const char *folder);
int arrays_found(struct reader *reader, const char *folder);
int csv_found(struct reader *reader, const char *folder);

/* ---- reader.c ---- */

/* "train" or "test". */
const char *reader_part_name(const struct reader *reader);

/* The path of the regular file FOLDER/NAME, or that with .gz or .xz behind; NULL when there is
 * none. In scratch memory. */
const char *reader_find(struct reader *reader, const char *folder, const char *name);

/* The entries of a folder but those that begin with a dot, in bytewise order. In scratch memory. */
struct listing {
    int32_t n;
    const char **names;
};
enum status reader_list(struct reader *reader, const char *folder, struct listing *listing);

/* Whether `name` ends with `ending`, or with that and .gz or .xz. */
int name_ends(const char *name, const char *ending);

/* What is wrong when the folder has data, but none for the part that is asked for. */
enum status reader_no_part(struct reader *reader, const char *folder, const char *files);

/* Takes `bytes` from the room; `path` is blamed when there is too little. */
enum status reader_claim(struct reader *reader, const char *path, uint64_t bytes);

/* Checks a label, `row` counts from 0. */
enum status reader_label(struct reader *reader, const char *path, int64_t row, int64_t label);

/* The same for a label of test data: the classes are those that training samples have. */
enum status reader_test_label(struct reader *reader, const char *path, int64_t row, int64_t label,
                              int32_t n_classes);

/* Names the classes by the lines of FOLDER/FILE when that is there. */
enum status reader_class_names(struct reader *reader, const char *folder, const char *file,
                               struct dataset *dataset);

#endif
