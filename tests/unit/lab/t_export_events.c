/* Event files of TensorBoard, read back by a reader that shares nothing with
 * the writer: a CRC by its polynomial, a walk over protobuf's wire format. */
#include "export_rig.h"

#include "lab/folder_list.h"
#include "lab/proto.h"

/* The only entry of a folder. */
static void only_one(char to[512], const char *folder)
{
    eg_folder f;
    egi_names names;

    assert_int_equal(eg_folder_open(&f, folder, NULL), EG_OK);
    assert_int_equal(egi_folder_names(&names, &f, NULL), EG_OK);
    assert_int_equal(names.n, 1);
    snprintf(to, 512, "%s/%s", folder, names.name[0]);
    egi_names_release(&names);
    eg_folder_close(&f);
}

/* ---- event files ----------------------------------------------------------
 */

/* The remainder of the bits, taken one by one from the table of nobody. */
static uint32_t crc_by_bits(const unsigned char *p, size_t n)
{
    uint32_t r = 0xffffffffu;

    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (r ^ (uint32_t)(p[i / 8] >> i % 8)) & 1;

        r = (r >> 1) ^ (bit ? 0x82f63b78u : 0);
    }
    return ~r;
}

static void check_sum(const unsigned char *data, size_t n)
{
    uint32_t crc = crc_by_bits(data, n);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;

    assert_int_equal(little(data + n, 4), masked);
}

static uint64_t varint(const unsigned char **p)
{
    uint64_t v = 0;
    int shift = 0;

    do v |= (uint64_t)(**p & 0x7f) << shift, shift += 7;
    while (*(*p)++ & 0x80);
    return v;
}

typedef struct field {
    int number;
    uint64_t bits; /* of a number */
    const unsigned char *at;
    size_t n; /* of bytes */
} field;

/* The next field of a message; false: its end. */
static bool take(field *f, const unsigned char **p, const unsigned char *end)
{
    uint64_t key;
    int size;

    if (*p == end) return false;
    key = varint(p);
    *f = (field){.number = (int)(key >> 3)};
    if ((key & 7) == 0) {
        f->bits = varint(p);
        return true;
    }
    if ((key & 7) == 2) {
        f->n = varint(p);
        f->at = *p;
        *p += f->n;
        assert_true(*p <= end);
        return true;
    }
    assert_true((key & 7) == 1 || (key & 7) == 5);
    size = (key & 7) == 1 ? 8 : 4;
    f->bits = little(*p, size);
    *p += size;
    return true;
}

static double as_double(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static float as_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float v;

    memcpy(&v, &low, sizeof v);
    return v;
}

/* What a file of events was found to hold. */
typedef struct found {
    int events, scalars, losses, plugins;
    double wall[64], first_wall;
    bool config, hparams;
} found;

static bool is(const field *f, const char *s)
{
    return f->n == strlen(s) && memcmp(f->at, s, f->n) == 0;
}

static bool holds(const field *f, const char *s)
{
    for (size_t i = 0; i + strlen(s) <= f->n; i++)
        if (memcmp(f->at + i, s, strlen(s)) == 0) return true;
    return false;
}

static void read_value(found *x, const field *value, int64_t step)
{
    const unsigned char *p = value->at, *end = p + value->n;
    field tag = {0}, simple = {0}, tensor = {0}, meta = {0}, f;

    while (take(&f, &p, end)) {
        if (f.number == 1) tag = f;
        if (f.number == 2) simple = f;
        if (f.number == 8) tensor = f;
        if (f.number == 9) meta = f;
    }
    assert_true(tag.n > 0);
    x->plugins += meta.n > 0;
    x->scalars += simple.number == 2;
    if (is(&tag, "loss")) {
        float want = (float)odd[step / 10];

        assert_true(as_float(simple.bits) == want);
        x->losses++;
    }
    if (is(&tag, "norm/W_E"))
        assert_true(step == 30 ? isnan(as_float(simple.bits))
                               : as_float(simple.bits) == (float)step / 10);
    if (is(&tag, "config"))
        x->config = holds(&tensor, "    optim:\n") && holds(&meta, "text");
    if (is(&tag, "_hparams_/session_start_info"))
        x->hparams = holds(&meta, "hparams") && holds(&meta, "optim.lr") &&
                     holds(&meta, "seed");
}

static void read_event(found *x, const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n;
    field f, summary = {0};
    int64_t step = 0;
    double wall = 0;
    bool version = false;

    while (take(&f, &p, end)) {
        if (f.number == 1) wall = as_double(f.bits);
        if (f.number == 2) step = (int64_t)f.bits;
        if (f.number == 3) version = is(&f, "brain.Event:2");
        if (f.number == 5) summary = f;
    }
    assert_true(version == (x->events == 0));
    if (x->events == 0) x->first_wall = wall;
    x->wall[step / 10] = wall;
    x->events++;
    for (p = summary.at; summary.n > 0 && take(&f, &p, summary.at + summary.n);)
        read_value(x, &f, step);
}

static void read_events(found *x, const char *file)
{
    size_t size, at = 0;
    unsigned char *bytes = slurp(file, &size);

    *x = (found){0};
    while (at < size) {
        size_t n;

        assert_true(at + 16 <= size);
        n = little(bytes + at, 8);
        assert_true(n + 16 <= size - at);
        check_sum(bytes + at, 8);
        check_sum(bytes + at + 12, n);
        read_event(x, bytes + at + 12, n);
        at += n + 16;
    }
    eg_free(bytes);
}

static void test_events(void **state)
{
    eg_export_runs one = of(1, false);
    char file[512];
    eg_err err = {0};
    found x;

    (void)state;
    assert_int_equal(egi_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc_by_bits((const unsigned char *)"123456789", 9),
                     0xe3069283);
    snprintf(path, sizeof path, "%s/tb", root);
    assert_int_equal(eg_export_tensorboard(&one, path, &err), EG_OK);
    only_one(file, path);
    assert_non_null(strstr(file, "tfevents"));
    read_events(&x, file);
    print_message("%d events, %d scalars, from %.3f\n", x.events, x.scalars,
                  x.first_wall);
    assert_int_equal(x.losses, 6);
    assert_int_equal(x.scalars, 6 + 3 + 6); /* with timing/seconds */
    assert_int_equal(x.events, 1 + 1 + 6 + 1);
    assert_int_equal(x.plugins, 3);
    assert_true(x.config && x.hparams);
    /* the clock: 0, 1.5, 3, 4.5, then another process from 0, and 7.5 more */
    assert_true(x.first_wall > 1.6e9);
    assert_true(fabs(x.wall[3] - x.first_wall - 4.5) < 1e-3);
    assert_true(fabs(x.wall[4] - x.first_wall - 4.5) < 1e-3);
    assert_true(fabs(x.wall[5] - x.first_wall - 12) < 1e-3);
    assert_int_equal(eg_export_tensorboard(&one, path, &err), EG_EINVAL);
    print_message("%s\n", err.msg);
}

static void test_event_folders(void **state)
{
    eg_export_runs all = of(3, true);
    char name[512];

    (void)state;
    snprintf(path, sizeof path, "%s/tb3", root);
    assert_int_equal(eg_export_tensorboard(&all, path, NULL), EG_OK);
    for (int i = 0; i < 3; i++) {
        static const char *const label[] = {"optim.lr=0.1,seed=1",
                                            "optim.lr=0.25,seed=4",
                                            "optim.lr=0.25,seed=1"};
        char file[512];

        snprintf(name, sizeof name, "%s/%s", path, label[i]);
        only_one(file, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events),
                                       cmocka_unit_test(test_event_folders)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
