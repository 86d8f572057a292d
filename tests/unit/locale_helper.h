/* Locales for tests: one the machine has, or one made in a folder of its own
 * with localedef (Debian: package locales). */
#ifndef EG_TEST_LOCALE_H
#define EG_TEST_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the locales that were made, each once: it takes seconds. */
static char locale_folder[64];

static inline void locale_clean(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s", locale_folder);
    (void)!system(command); /* NOLINT(cert-env33-c): our own folder */
}

static inline bool locale_make(const char *name, const char *full)
{
    char at[160], command[512];

    if (!locale_folder[0]) {
        strcpy(locale_folder, "/tmp/engram-locale-XXXXXX");
        if (!mkdtemp(locale_folder)) {
            locale_folder[0] = 0;
            return false;
        }
        (void)atexit(locale_clean);
    }
    (void)snprintf(at, sizeof at, "%s/%s", locale_folder, full);
    if (access(at, F_OK) == 0) return true;
    (void)snprintf(command, sizeof command,
                   "localedef -i %s -f UTF-8 %s >%s.log 2>&1", name, at, at);
    (void)!system(command); /* NOLINT(cert-env33-c): our own words */
    return true;
}

/* LC_ALL to a locale such as "de_DE" in UTF-8; false: this machine has none and
 * cannot make it. */
static inline bool locale_set(const char *name)
{
    char full[64];
    bool ok = false;

    (void)snprintf(full, sizeof full, "%s.UTF-8", name);
    if (setlocale(LC_ALL, full)) return true;
    if (!locale_make(name, full)) return false;
    (void)setenv("LOCPATH", locale_folder, 1);
    ok = setlocale(LC_ALL, full) != NULL;
    (void)unsetenv("LOCPATH");
    return ok;
}

static inline void locale_reset(void)
{
    (void)setlocale(LC_ALL, "C");
}

/* For main: ends the program with status 77 where there is no such locale. */
static inline void locale_or_skip(const char *name)
{
    if (!locale_set(name)) {
        printf("skipped: no locale %s.UTF-8 here, and localedef cannot make "
               "it (package locales)\n",
               name);
        exit(77);
    }
    locale_reset();
}

#endif
