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

/* LC_ALL to a locale such as "de_DE" in UTF-8; false: this machine has none and
 * cannot make it. */
static inline bool locale_set(const char *name)
{
    char full[64], dir[64] = "/tmp/engram-locale-XXXXXX", command[256];
    bool ok = false;

    (void)snprintf(full, sizeof full, "%s.UTF-8", name);
    if (setlocale(LC_ALL, full)) return true;
    if (!mkdtemp(dir)) return false;
    (void)snprintf(command, sizeof command,
                   "localedef -i %s -f UTF-8 %s/%s >%s/log 2>&1", name, dir,
                   full, dir);
    (void)!system(command); /* NOLINT(cert-env33-c): our own words */
    (void)setenv("LOCPATH", dir, 1);
    ok = setlocale(LC_ALL, full) != NULL;
    (void)unsetenv("LOCPATH");
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    (void)!system(command); /* NOLINT(cert-env33-c): our own folder */
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
