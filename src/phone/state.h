/* phone/state.h - the folder a profile keeps its things in: $XDG_STATE_HOME/bearline-phone/<profile>
 * or one named on the command line. The folder is 0700, its files 0600; a file is replaced whole or
 * not at all (written beside, synced, renamed). Blocking; one thread. */
#ifndef PHONE_STATE_H
#define PHONE_STATE_H
#include "crypto/secret.h"
#include "phone/problem.h"

enum { PHONE_STATE_FILE_MAX = 1 << 20, PHONE_STATE_PATH_MAX = 1024 };

#define PHONE_FILE_SESSION "session.json"
#define PHONE_FILE_CA      "ca.pem"
#define PHONE_FILE_CONFIG  "config.xml"
#define PHONE_FILE_CACHE   "config.json"
#define PHONE_FILE_STATUS  "status.json"
#define PHONE_FILE_LOCK    "run.lock"

struct phone_state {
    char path[PHONE_STATE_PATH_MAX];
    int fd;      /* the folder; -1: not open */
    int lock_fd; /* held by run; -1: not */
};

/* Where a profile lives when no folder is named: from $XDG_STATE_HOME, else $HOME/.local/state.
 * RC_INVALID (no home, or a profile name with '/'), RC_TOO_BIG. */
MUST_CHECK enum rc phone_state_default(const char *profile, char out[PHONE_STATE_PATH_MAX]);
/* Opens the folder; create makes it with its parents. RC_NOT_FOUND (not create), RC_DENIED: it
 * belongs to another user or others may enter it; RC_IO. problem says which. */
MUST_CHECK enum rc phone_state_open(struct phone_state *s, const char *path, bool create,
                                    struct phone_problem *problem);
void phone_state_close(struct phone_state *s);
/* path/name, for libraries that want a file's name. RC_TOO_BIG. */
MUST_CHECK enum rc phone_state_path(const struct phone_state *s, const char *name,
                                    char out[PHONE_STATE_PATH_MAX]);
/* The whole file as a secret the caller finishes (out was empty). RC_NOT_FOUND, RC_TOO_BIG,
 * RC_NOMEM, RC_IO. */
MUST_CHECK enum rc phone_state_read(const struct phone_state *s, const char *name,
                                    struct secret *out);
/* Any file outside the folder, likewise: passwords, CA files. */
MUST_CHECK enum rc phone_file_read(const char *path, struct secret *out);
/* Replaces it. RC_IO with problem (may be NULL) telling: disk full, read-only. */
MUST_CHECK enum rc phone_state_write(const struct phone_state *s, const char *name,
                                     struct bytes content, struct phone_problem *problem);
/* Overwrites with zeros and removes; a missing file is fine. RC_IO. */
MUST_CHECK enum rc phone_state_wipe(const struct phone_state *s, const char *name);
/* For the life of this process: one run a profile. RC_EXISTS: another holds it; RC_IO. */
MUST_CHECK enum rc phone_state_lock(struct phone_state *s);
/* Whether some process holds it now. */
bool phone_state_is_locked(const struct phone_state *s);

#endif
