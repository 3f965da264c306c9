#include "app/launch.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void app_log_to_stderr(void *ctx, enum log_level level, struct str line)
{
    (void)ctx;
    (void)level;
    char text[LOG_LINE_MAX + 1];
    size_t n = line.n < LOG_LINE_MAX ? line.n : LOG_LINE_MAX;
    memcpy(text, line.p, n);
    text[n] = '\n';
    ssize_t written = write(STDERR_FILENO, text, n + 1);
    (void)written; /* nobody is left to tell */
}

void app_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool app_setting_option(const char *name, struct app_settings *s, const char *text)
{
    char copy[APP_PATH_MAX + 64], why[512];
    snprintf(copy, sizeof copy, "%s", text);
    char *dot = strchr(copy, '.'), *eq = dot ? strchr(dot, '=') : NULL;
    if (!eq) {
        fprintf(stderr, "%s: --set wants SECTION.NAME=VALUE, not %s\n", name, text);
        return false;
    }
    *dot = *eq = '\0';
    if (app_settings_set(s, copy, dot + 1, eq + 1) == RC_OK) return true;
    app_settings_why(s, copy, dot + 1, eq + 1, why);
    fprintf(stderr, "%s: --set %s: %s\n", name, text, why);
    return false;
}

bool app_settings_file(const char *name, struct app_settings *s, const char *file,
                       const char *standard)
{
    char why[512];
    if (!file && access(standard, F_OK) != 0) return true;
    if (app_settings_read(s, file ? file : standard, why) == RC_OK) return true;
    fprintf(stderr, "%s: %s\n", name, why);
    return false;
}
