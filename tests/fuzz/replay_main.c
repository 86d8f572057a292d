/* Runs a fuzz target over the files of the folders or names it is given, and
 * over as many mutants of each as $ENGRAM_MUTANTS says: the same ones every
 * time. What libFuzzer finds with a program's branches in view this does not,
 * but it needs no build of its own. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static uint64_t state;

/* 0 .. n - 1, n >= 1: xorshift (Marsaglia 2003). */
static size_t below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)((state >> 11) % n);
}

/* No byte to spare, for the sanitizer. */
static void try(const unsigned char *s, size_t n)
{
    unsigned char *exact = malloc(n ? n : 1);

    EG_ASSERT(exact);
    if (n) memcpy(exact, s, n);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

/* One change of s[n], which has room for 16 more; the new n. */
static size_t mutate(unsigned char *s, size_t n)
{
    static const unsigned char telling[] = {0,   1,   0x7f, 0x80, 0xff, '0',
                                            '9', '-', '"',  '\n', ' ',  '{'};
    size_t at = n ? below(n) : 0, len = n ? 1 + below(n - at) : 0;

    switch (below(8)) {
    case 0: /* a bit */
        if (n) s[at] ^= (unsigned char)(1u << below(8));
        return n;
    case 1: /* a byte */
        if (n) s[at] = telling[below(sizeof telling)];
        return n;
    case 2: /* what is there goes */
        memmove(s + at, s + at + len, n - at - len);
        return n - len;
    case 3: /* or is there twice */
        if (len > 16) len = 1 + below(16);
        memmove(s + at + len, s + at, n - at);
        return n + len;
    case 4: /* or stands elsewhere */
        if (len > 8) len = 8;
        if (n) memmove(s + below(n - len + 1), s + at, len);
        return n;
    case 5:
        return at; /* the end is missing */
    default:       /* a digit is another */
        while (at < n && (s[at] < '0' || s[at] > '9')) at++;
        if (at < n) s[at] = (unsigned char)('0' + below(10));
        return n;
    }
}

static void try_mutants(const unsigned char *s, size_t n, int mutants)
{
    unsigned char *m = malloc(2 * n + 64);

    EG_ASSERT(m);
    state = UINT64_C(0x9e3779b97f4a7c15) + n;
    for (int i = 0; i < mutants; i++) {
        size_t size = n;

        if (n) memcpy(m, s, n);
        for (size_t k = 1 + below(3); k > 0 && size <= n + 16; k--)
            size = mutate(m, size);
        (void)printf("  mutant %d\n", i);
        (void)fflush(stdout);
        try(m, size);
    }
    free(m);
}

static int replay_file(const char *path, int mutants)
{
    char *bytes = NULL;
    size_t size = 0;
    eg_err err = {0};

    if (eg_file_read(&bytes, &size, path, (size_t)1 << 26, &err) != EG_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* names the culprit when the target aborts */
    try((const unsigned char *)bytes, size);
    try_mutants((const unsigned char *)bytes, size, mutants);
    eg_free(bytes);
    return 0;
}

static int replay_folder(const char *path, int mutants, int *n_files)
{
    char name[2048];
    int failed = 0;
    DIR *d = opendir(path);

    if (!d) {
        perror(path);
        return 1;
    }
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.') continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        failed |= replay_file(name, mutants);
        ++*n_files;
    }
    (void)closedir(d);
    return failed;
}

int main(int argc, char **argv)
{
    const char *asked = getenv("ENGRAM_MUTANTS");
    int failed = 0, n_files = 0;
    int mutants = asked ? (int)strtol(asked, NULL, 10) : 0;

    for (int i = 1; i < argc; i++) {
        struct stat info;

        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            failed |= replay_folder(argv[i], mutants, &n_files);
        } else {
            failed |= replay_file(argv[i], mutants);
            n_files++;
        }
    }
    (void)printf("%d files\n", n_files);
    return failed || n_files == 0;
}
