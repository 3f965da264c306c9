/* kit/replay.c - main() for a fuzz target built without libFuzzer: runs each file named, and each
 * file of each folder named, once. Inputs end at an unreadable page. No file is a failure. */
#include "kit/kit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned long file_count;

static void die(const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    exit(2);
}

static void run_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(size + 1);
    if (!f || !text || fread(text, 1, size, f) != size) die(path);
    fclose(f);
    struct str input = kit_guard(str_of(text, size));
    free(text);
    fprintf(stderr, "replay: %s\n", path); /* the last line before a crash names the file */
    LLVMFuzzerTestOneInput((const uint8_t *)input.p, input.n);
    kit_guard_free(input);
    file_count++;
}

static int is_shown(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) die(path);
    if (!S_ISDIR(st.st_mode)) {
        run_file(path, (size_t)st.st_size);
        return;
    }
    struct dirent **names;
    int n = scandir(path, &names, is_shown, alphasort);
    if (n < 0) die(path);
    for (int i = 0; i < n; i++) {
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
        run_path(full);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("replay: %lu files\n", file_count);
    return file_count == 0;
}
