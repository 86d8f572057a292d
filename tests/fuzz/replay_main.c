/* Runs a fuzz target over the files of the folders or names it is given. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path)
{
    char *bytes = NULL, *exact = NULL;
    size_t size = 0;
    eg_err err = {0};

    if (eg_file_read(&bytes, &size, path, (size_t)1 << 26, &err) != EG_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    exact = malloc(size ? size : 1); /* no byte to spare, for the sanitizer */
    EG_ASSERT(exact);
    memcpy(exact, bytes, size);
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* names the culprit when the target aborts */
    (void)LLVMFuzzerTestOneInput((const uint8_t *)exact, size);
    free(exact);
    eg_free(bytes);
    return 0;
}

static int replay_folder(const char *path, int *n_files)
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
        failed |= replay_file(name);
        ++*n_files;
    }
    (void)closedir(d);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0, n_files = 0;

    for (int i = 1; i < argc; i++) {
        struct stat info;

        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            failed |= replay_folder(argv[i], &n_files);
        } else {
            failed |= replay_file(argv[i]);
            n_files++;
        }
    }
    (void)printf("%d files\n", n_files);
    return failed || n_files == 0;
}
