/* app/launch.h - what the daemons' command lines share: the log on stderr, limits of the process, and
 * settings from options and file. name is the program's, for its complaints on stderr. */
#ifndef APP_LAUNCH_H
#define APP_LAUNCH_H
#include "app/settings.h"

/* A log sink; ctx is not used. */
void app_log_to_stderr(void *ctx, enum log_level level, struct str line);
/* As many descriptors as the system allows. */
void app_raise_file_limit(void);

/* Both: false, and said. "SECTION.NAME=VALUE": */
bool app_setting_option(const char *name, struct app_settings *s, const char *text);
/* file NULL: the standard one, where it is. */
bool app_settings_file(const char *name, struct app_settings *s, const char *file,
                       const char *standard);

#endif
