#include "app/control.h"

#include "app/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum rc app_control_folder_ready(const char *control, const char *standard, struct store_why *why)
{
    struct stat st;
    char folder[APP_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", control);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) return RC_OK;
    *slash = '\0';
    bool is_ours = strcmp(control, standard) == 0;
    if (is_ours && mkdir(folder, 0755) != 0 && errno != EEXIST)
        snprintf(why->text, sizeof why->text, "The folder %.200s cannot be made: %s. %s", folder,
                 strerror(errno), "Choose another control socket with --control.");
    else if (stat(folder, &st) != 0)
        snprintf(why->text, sizeof why->text,
                 "The folder %.150s of the control socket cannot be used: %s. Make it, or choose "
                 "another socket with --control.",
                 folder, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        snprintf(why->text, sizeof why->text,
                 "The control socket cannot be made: %.200s is no folder. Choose another one with "
                 "--control.",
                 folder);
    return why->text[0] == '\0' ? RC_OK : RC_NOT_FOUND;
}

/* What became of http_listen_unix, for the operator. */
static const char *control_advice(enum rc rc)
{
    switch ((int)rc) {
    case RC_EXISTS: return "is in use: another daemon runs there. Stop that one, or choose";
    case RC_CONFLICT:
        return "cannot be made: a file that is no socket lies there. Move it, or choose";
    case RC_DENIED:
        return "cannot be made: this user may not write there. Run as another, or choose";
    case RC_TOO_BIG: return "cannot be made: its name is too long for a socket. Choose";
    default: return "cannot be made: the system refuses it. Look at its folder, or choose";
    }
}

enum rc app_control_listen(struct http_server *http, struct http_site *site, const char *path,
                           struct store_why *why)
{
    struct http_listener *listener;
    enum rc rc = http_listen_unix(http, site, path, 0660, &listener);
    if (rc != RC_OK)
        snprintf(why->text, sizeof why->text,
                 "The control socket %.150s %s another with --control.", path, control_advice(rc));
    return rc;
}
