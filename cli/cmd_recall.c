/* engram recall: things are stored as patterns of an energy, and recalled from
 * a part while the energy goes down. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/recall.h"

const cli_option cli_recall_options[] = {
    {"cue", 'c', "CUE",
     "what to recall from: part of a line, numbers, or a file"},
    {"stored", 0, "N", "or the N-th thing that is stored, damaged below"},
    {"hide", 0, "SHARE|WHERE:SHARE",
     "a share of the cue that is not known: the last, or WHERE start, end, "
     "random"},
    {"noise", 0, "SHARE", "a share of what is known that is wrong"},
    {"at", 0, "N",
     "the place of a line that the cue begins at (default: best)"},
    {"hold", 0, NULL, "what is known stays as it is"},
    {"energy", 'e', "KIND",
     "distance, mchn, nearest, hopfield, polynomial, exponential (default: "
     "distance)"},
    {"beta", 0, "X",
     "inverse temperature of distance and mchn (default: so "
     "that all patterns are apart)"},
    {"power", 0, "N", "of polynomial (default: 3)"},
    {"steps", 'n', "N", "updates at most (default: 50)"},
    {"code", 0, "N", "signs that stand for a character (default: 32)"},
    {"seed", 0, "N", "of these signs, of random holes and noise (default: 1)"},
    CLI_OPT_JSON,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_recall_help[] =
    "Stores what the files hold, begins at a cue and goes down in energy "
    "until\n"
    "nothing moves, printing every step and what was recalled in the end. A\n"
    "transformer's attention is one step of it: keys and values are what is\n"
    "stored, the query is the cue (--energy mchn).\n"
    "\n"
    "  .txt and others  a line a pattern; each character is a word of signs\n"
    "  .csv .npy        a row a pattern\n"
    "  .pgm .pbm        a picture a pattern\n"
    "  .art             pictures parted by empty lines; a blank or a point is\n"
    "                   white\n"
    "\n"
    "The cue is part of a line with ? for what you do not know, numbers with "
    "?\n"
    "among them, a file of the same kind, or a stored pattern (--stored) with\n"
    "holes (--hide) and wrong marks (--noise). Energies are those of\n"
    "docs/energy.md:\n"
    "\n"
    "  distance     -1/beta log sum exp(-beta |x - p|^2), the paper's\n"
    "  mchn         modern continuous Hopfield network: attention\n"
    "  nearest      |x - p|^2 of the nearest pattern\n"
    "  hopfield     the classical network, states of -1 and 1: holds few\n"
    "  polynomial   -sum (p.x)^power, dense associative memory: holds more\n"
    "  exponential  -log sum exp(p.x): holds exponentially many\n"
    "\n"
    "With a small --beta patterns run together, and what is recalled is a "
    "blend\n"
    "of them; the classical network fails where patterns are many or alike.\n"
    "\n"
    "  engram recall poem.txt --cue 'burning br'\n"
    "  engram recall poem.txt --stored 3 --hide random:0.6 --energy hopfield\n"
    "  engram recall digits.art --stored 2 --hide 0.5 --noise 0.1\n"
    "  engram recall vectors.csv --cue '1, ?, 3' --beta 4\n";

typedef struct recalling {
    const cli_args *args;
    eg_store store;
    eg_cue cue;
    eg_energy energy;
    double *work, beta;
    double part_beta; /* with which the known part fills in the rest */
    int64_t steps, power, code, seed;
    json_t *log;
    double gap; /* of the nearest two patterns */
    bool lost;  /* no memory for a text: what was printed lacks it */
} recalling;

/* ---- options ------------------------------------------------------------- */

static bool read_hide(const char *text, eg_hide *how, double *share)
{
    static const struct {
        const char *word;
        eg_hide how;
    } where[] = {{"start:", EG_HIDE_START},
                 {"end:", EG_HIDE_END},
                 {"random:", EG_HIDE_RANDOM}};

    *how = EG_HIDE_END;
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(where[i].word);

        if (strncmp(text, where[i].word, n) != 0) continue;
        *how = where[i].how;
        return cli_real("hide", text + n, 0, 1, share);
    }
    if (strchr(text, ':')) {
        cli_fail(CLI_MISUSE,
                 "--hide: expected start, end or random before the colon, "
                 "found '%s'",
                 text);
        return false;
    }
    return cli_real("hide", text, 0, 1, share);
}

static bool read_kind(const cli_args *a, eg_energy_kind *kind)
{
    const char *text = cli_value(a, "energy");
    eg_nearest near = {.asked = text};
    static char word[8][32];

    *kind = EG_ENERGY_DISTANCE;
    if (!text) return true;
    for (int i = 0; i < 8 && eg_choice(EG_ENERGY_KINDS, i, word[i], 32); i++) {
        eg_nearest_try(&near, word[i]);
        *kind = (eg_energy_kind)i;
        if (strcmp(word[i], text) == 0) return true;
    }
    if (near.best)
        cli_fail(CLI_MISUSE, "--energy: no '%s'; did you mean '%s'?", text,
                 near.best);
    else
        cli_fail(CLI_MISUSE,
                 "--energy: no '%s'; expected distance, mchn, nearest, "
                 "hopfield, polynomial or exponential",
                 text);
    return false;
}

/* ---- the cue ------------------------------------------------------------- */

static int make_cue(recalling *r)
{
    const cli_args *a = r->args;
    const char *cue = cli_value(a, "cue"), *hide = cli_value(a, "hide");
    const char *noise = cli_value(a, "noise");
    int64_t stored = 0, at = 0;
    eg_index placed = 0;
    eg_hide how = EG_HIDE_END;
    double share = 0, wrong = 0;
    eg_err err = {0};
    eg_status st;

    if (!cli_int(a, "stored", 1, INT64_MAX, &stored) ||
        !cli_int(a, "at", 1, 1 << 30, &at) ||
        (hide && !read_hide(hide, &how, &share)) ||
        !cli_real("noise", noise, 0, 100, &wrong))
        return CLI_MISUSE;
    if (stored > 0)
        st = eg_cue_stored(&r->cue, &r->store, (eg_index)(stored - 1), &err);
    else
        st = eg_cue_read(&r->cue, &r->store, cue, (eg_index)at - 1, &placed,
                         &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (r->store.kind == EG_STORE_LINES && stored == 0)
        cli_say("the cue begins at place %td", placed + 1);
    if (hide) eg_cue_hide(&r->cue, &r->store, how, share, (uint64_t)r->seed);
    if (noise) eg_cue_noise(&r->cue, &r->store, wrong, (uint64_t)r->seed);
    return CLI_DONE;
}

/* ---- steps --------------------------------------------------------------- */

/* x as text, or NULL. */
static char *text_of(recalling *r, const double *x, const unsigned char *known)
{
    char *text = NULL;

    if (eg_store_text(&text, &r->store, x, known, 64, NULL) == EG_OK)
        return text;
    r->lost = true;
    return NULL;
}

/* x as one line; of a picture nothing. */
static void in_line(recalling *r, const unsigned char *known, char *buf,
                    size_t size)
{
    char *text = NULL;

    buf[0] = '\0';
    if (r->store.kind != EG_STORE_PICTURES) text = text_of(r, r->cue.x, known);
    if (!text) return;
    (void)eg_text_clean(buf, size, text);
    buf[cli_fit(buf, 72)] = '\0';
    eg_free(text);
}

static void tell(recalling *r, int64_t step, double change)
{
    char line[2048];
    double energy = eg_energy_at(&r->energy, r->cue.x, r->work);
    json_t *o;

    if (cli_flag(r->args, "json")) {
        o = json_object();
        cli_json_set(o, "step", json_integer(step));
        cli_json_set(o, "energy",
                     isfinite(energy) ? json_real(energy) : json_null());
        if (step > 0) cli_json_set(o, "change", json_real(change));
        cli_json_add(r->log, o);
        return;
    }
    in_line(r, step == 0 ? r->cue.known : NULL, line, sizeof line);
    if (step == 0)
        cli_print("%4s  %-14s  %-9s  state", "step", "energy", "moved");
    if (step == 0)
        cli_print("%4d  %-14.8g  %-9s  %s", 0, energy, "", line);
    else
        cli_print("%4lld  %-14.8g  %-9.3g  %s", (long long)step, energy, change,
                  line);
}

static void show(recalling *r, const double *x, const unsigned char *known,
                 const char *what)
{
    char *text = text_of(r, x, known), *line, *save = NULL, clean[4096];
    bool picture = r->store.kind == EG_STORE_PICTURES;

    if (!text) return;
    if (picture) cli_print("%s:", what);
    for (line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        (void)eg_text_clean(clean, sizeof clean, line);
        if (picture)
            cli_print("  %s", clean);
        else
            cli_print("%s: %s", what, clean);
    }
    eg_free(text);
}

static int end(recalling *r, bool rest)
{
    const eg_store *s = &r->store;
    double far = 0;
    eg_index best = eg_store_nearest(s, r->cue.x, &far);
    char *text;
    json_t *o;

    if (!cli_flag(r->args, "json")) {
        show(r, r->cue.x, NULL, "recalled");
        cli_print("%s pattern %td of %td, distance %.3g%s",
                  far < .01 * (r->gap > 0 ? r->gap : 1) ? "which is"
                                                        : "nearest is",
                  best + 1, s->d, far, rest ? "" : "; still moving: --steps");
        return CLI_DONE;
    }
    o = json_object();
    text = text_of(r, r->cue.x, NULL);
    cli_json_set(o, "patterns", json_integer(s->d));
    cli_json_set(o, "entries", json_integer(s->n));
    cli_json_set(o, "beta", json_real(r->energy.beta));
    cli_json_set(o, "steps", r->log);
    r->log = NULL;
    cli_json_set(o, "pattern", json_integer(best + 1));
    cli_json_set(o, "distance", json_real(far));
    cli_json_set(o, "rest", json_boolean(rest));
    cli_json_set(o, "text", cli_json_string(text ? text : ""));
    eg_free(text);
    return cli_print_json(o);
}

/* Squares of what is too large, by a beta that is too large, are no numbers. */
static int check_finite(const recalling *r)
{
    bool sound = isfinite(eg_energy_at(&r->energy, r->cue.x, r->work));

    for (eg_index j = 0; j < r->energy.n; j++) sound &= isfinite(r->cue.x[j]);
    if (sound) return CLI_DONE;
    return cli_fail(CLI_FAILED,
                    "recall: no finite energy: patterns and cue lie too far "
                    "apart for beta %.4g; --beta sets a smaller one",
                    r->energy.beta);
}

static int descend(recalling *r)
{
    const unsigned char *held = cli_flag(r->args, "hold") ? r->cue.known : NULL;
    bool signs = eg_energy_signs(r->energy.kind), rest = false;
    eg_err err = {0};
    eg_status st = EG_OK;
    int code;

    if (r->store.kind == EG_STORE_PICTURES && !cli_flag(r->args, "json"))
        show(r, r->cue.x, r->cue.known, "cue");
    for (eg_index j = 0; signs && j < r->energy.n; j++)
        if (r->cue.known[j]) r->cue.x[j] = r->cue.x[j] < 0 ? -1 : 1;
    /* what is not known is first filled in by the rest */
    if (signs)
        (void)eg_energy_step(&r->energy, r->cue.x, r->cue.known, r->work);
    else
        st = eg_cue_fill(&r->cue, &r->store, r->part_beta, &err);
    if (st != EG_OK) return cli_error(st, &err);
    code = check_finite(r);
    if (code != CLI_DONE) return code;
    tell(r, 0, 0);
    for (int64_t k = 1; k <= r->steps && !rest; k++) {
        double change;

        if (cli_stop(NULL)) return CLI_INTERRUPTED;
        change = eg_energy_step(&r->energy, r->cue.x, held, r->work);
        rest = change < 1e-9;
        code = check_finite(r);
        if (code != CLI_DONE) return code;
        tell(r, k, change);
    }
    return end(r, rest);
}

/* ---- what is stored ------------------------------------------------------ */

static int set_up(recalling *r, eg_energy_kind kind)
{
    const cli_args *a = r->args;
    eg_store *s = &r->store;
    eg_store_opts o = {.code = (int)r->code, .seed = (uint64_t)r->seed};
    eg_err err = {0};
    eg_status st =
        eg_store_read(s, (const char *const *)a->word, a->n_words, &o, &err);

    if (st != EG_OK) return cli_error(st, &err);
    if (eg_energy_signs(kind) && s->kind == EG_STORE_PICTURES)
        eg_store_signs(s);
    r->beta = eg_store_beta(s, &r->gap);
    r->work = eg_calloc((size_t)(s->d + s->n), sizeof *r->work);
    if (!r->work) return cli_fail(CLI_FAILED, "out of memory");
    st = eg_energy_init(&r->energy, kind, s->pattern, s->d, s->n, r->beta,
                        (int)r->power, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (r->gap > 0)
        cli_say("%td patterns of %td entries, the nearest two %.3g apart", s->d,
                s->n, r->gap);
    else
        cli_say("%td %s of %td entries", s->d,
                s->d > 1 ? "patterns, all the same," : "pattern", s->n);
    return CLI_DONE;
}

/* Without --beta, one at which the known part of the cue alone tells patterns
 * apart; twice as much for mchn, which is then the same where lengths are. */
static int choose_beta(recalling *r)
{
    const char *beta = cli_value(r->args, "beta");
    eg_energy *e = &r->energy;
    double known = 0;

    for (eg_index j = 0; j < e->n; j++)
        known += r->cue.known[j] != 0 ? 1 / (double)e->n : 0;
    r->part_beta = r->beta / (known > .01 ? known : 1);
    if (beta) {
        if (!cli_real("beta", beta, 1e-12, 1e12, &r->part_beta))
            return CLI_MISUSE;
        if (e->kind == EG_ENERGY_MCHN) r->part_beta /= 2;
    }
    if (e->kind != EG_ENERGY_DISTANCE && e->kind != EG_ENERGY_MCHN)
        return CLI_DONE;
    e->beta = r->part_beta * (e->kind == EG_ENERGY_MCHN ? 2 : 1);
    cli_say("beta %.4g%s", e->beta,
            beta ? "" : ", at which the cue tells them apart");
    return CLI_DONE;
}

int cmd_recall(const cli_args *a)
{
    recalling r = {.args = a, .steps = 50, .power = 3, .code = 32, .seed = 1};
    eg_energy_kind kind;
    int code;

    if (!cli_value(a, "cue") == !cli_value(a, "stored"))
        return cli_fail(CLI_MISUSE,
                        "recall: --cue CUE or --stored N says what to recall "
                        "from");
    if (!read_kind(a, &kind) || !cli_int(a, "steps", 0, 1000000, &r.steps) ||
        !cli_int(a, "power", 2, 32, &r.power) ||
        !cli_int(a, "code", 1, 1024, &r.code) ||
        !cli_int(a, "seed", 0, INT64_MAX, &r.seed))
        return CLI_MISUSE;
    r.log = json_array();
    cli_catch_signals();
    code = set_up(&r, kind);
    if (code == CLI_DONE) code = make_cue(&r);
    if (code == CLI_DONE) code = choose_beta(&r);
    if (code == CLI_DONE) code = descend(&r);
    if (code == CLI_DONE && r.lost)
        code = cli_fail(CLI_FAILED, "recall: out of memory for a text");
    json_decref(r.log);
    eg_cue_release(&r.cue);
    eg_store_release(&r.store);
    eg_free(r.work);
    return code;
}
