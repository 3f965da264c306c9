/* phone/terminal.h - the phone on a terminal: a few lines (the line, its calls, the keys that work
 * now) drawn again below the log whenever something changes, and what a key means. Pure: bytes of
 * keys in, bytes of drawing out. On a terminal that cannot move its cursor the same lines are
 * printed once per change, without escapes. */
#ifndef PHONE_TERMINAL_H
#define PHONE_TERMINAL_H
#include "base/buf.h"
#include "phone/call.h"

enum { PHONE_TERMINAL_ENTRY_MAX = 128, PHONE_TERMINAL_LINE_MAX = 512 };

enum phone_terminal_mode {
    PHONE_TERMINAL_KEYS,
    PHONE_TERMINAL_NUMBER,   /* whom to call is being typed */
    PHONE_TERMINAL_TRANSFER, /* whom to transfer to is being typed */
    PHONE_TERMINAL_DIGITS,   /* keys go to the other side as they are typed */
};

enum phone_terminal_command {
    PHONE_CMD_NONE,
    PHONE_CMD_CALL, /* text */
    PHONE_CMD_ANSWER,
    PHONE_CMD_BUSY,
    PHONE_CMD_DECLINE,
    PHONE_CMD_HANG_UP,
    PHONE_CMD_HOLD, /* or resume */
    PHONE_CMD_MUTE,
    PHONE_CMD_TRANSFER, /* text */
    PHONE_CMD_JOIN,     /* the other call's peer with this one's */
    PHONE_CMD_DIGIT,    /* text: one key */
    PHONE_CMD_NEXT,     /* another call is the selected one */
    PHONE_CMD_QUIT,
};

struct phone_terminal_call {
    const struct phone_call_info *info;
    char quality[192]; /* may be "" */
    bool is_muted;
};

struct phone_terminal_view {
    const char *line; /* "1010 registered at ucm1 (TLSv1.3)" */
    bool is_registered;
    struct phone_terminal_call calls[PHONE_CALL_MAX];
    size_t count, selected; /* selected: below count unless that is 0 */
    int64_t now_mono_ms;
};

/* Zeroed memory but for these three is a terminal in KEYS mode. */
struct phone_terminal {
    bool is_dumb;
    unsigned columns; /* up to 20: not known, 80 */
    unsigned
        rows; /* 0: not known, enough; where they do not, calls but the selected one go first */
    enum phone_terminal_mode mode;
    char entry[PHONE_TERMINAL_ENTRY_MAX];
    size_t entry_n;
    size_t drawn;                           /* lines below the log now */
    char last[PHONE_TERMINAL_LINE_MAX * 4]; /* dumb: what was printed last */
    unsigned escape;                        /* bytes of an escape sequence seen */
};

/* What one byte typed asks for; *text is of t->entry or the byte, until the next call. Commands that
 * make no sense now are not given. */
enum phone_terminal_command phone_terminal_key(struct phone_terminal *t,
                                               const struct phone_terminal_view *v, char key,
                                               struct str *text);
/* Takes the lines away, so that a log line can be written; phone_terminal_draw brings them back. */
void phone_terminal_clear(struct buf *out, struct phone_terminal *t);
void phone_terminal_draw(struct buf *out, struct phone_terminal *t,
                         const struct phone_terminal_view *v);

#endif
