#include "phone/script.h"

#include <stdio.h>

/* ---- reading ---- */

struct word_row {
    const char *word;
    int value;
};

static const struct word_row kinds[] = {
    {"call", PHONE_STEP_CALL},         {"wait", PHONE_STEP_WAIT}, {"answer", PHONE_STEP_ANSWER},
    {"reject", PHONE_STEP_REJECT},     {"play", PHONE_STEP_PLAY}, {"record", PHONE_STEP_RECORD},
    {"dtmf", PHONE_STEP_DTMF},         {"hold", PHONE_STEP_HOLD}, {"resume", PHONE_STEP_RESUME},
    {"transfer", PHONE_STEP_TRANSFER}, {"join", PHONE_STEP_JOIN}, {"hangup", PHONE_STEP_HANGUP},
};
static const struct word_row waits[] = {
    {"registered", PHONE_WAIT_REGISTERED},
    {"incoming", PHONE_WAIT_INCOMING},
    {"ringing", PHONE_WAIT_RINGING},
    {"answered", PHONE_WAIT_ANSWERED},
    {"held", PHONE_WAIT_HELD},
    {"resumed", PHONE_WAIT_RESUMED},
    {"ended", PHONE_WAIT_ENDED},
    {"digits", PHONE_WAIT_DIGITS},
};
static const struct word_row rejections[] = {
    {"busy", 486}, {"declined", 603}, {"unavailable", 480}};

#define FIND(rows, word) find((rows), sizeof(rows) / sizeof *(rows), (word))
static const struct word_row *find(const struct word_row *rows, size_t count, struct str word)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_from(rows[i].word))) return &rows[i];
    return NULL;
}

static struct str next_word(struct str *rest)
{
    struct str word;
    *rest = str_trim(*rest);
    if (rest->n == 0) return STR("");
    if (!str_split(rest, ' ', &word)) return STR("");
    return word;
}

static bool is_digits(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!strchr("0123456789*#ABCDabcd,", *p)) return false;
    return *s && strlen(s) <= PHONE_SCRIPT_DIGITS_MAX;
}

static const char *read_seconds(struct str word, uint32_t *out)
{
    uint64_t v;
    if (str_to_u64(word, 86400, &v) != RC_OK) return "not a number of seconds";
    *out = (uint32_t)v;
    return NULL;
}

static const char *read_wait(struct phone_step *step, struct str rest)
{
    struct str what = next_word(&rest), word;
    const struct word_row *row = FIND(waits, what);
    step->wait_s = PHONE_SCRIPT_WAIT_S;
    if (!row) {
        step->wait = PHONE_WAIT_TIME;
        if (str_trim(rest).n > 0) return "wait for what";
        return read_seconds(what, &step->wait_s) ? "wait for what" : NULL;
    }
    step->wait = (enum phone_wait)row->value;
    if (step->wait == PHONE_WAIT_DIGITS) {
        word = next_word(&rest);
        if (str_to_cstr(word, step->word, sizeof step->word) != RC_OK || !is_digits(step->word))
            return "digits are 0-9 * # A-D";
    }
    word = next_word(&rest);
    if (str_trim(rest).n > 0) return "too many words";
    return word.n > 0 ? read_seconds(word, &step->wait_s) : NULL;
}

static bool takes_word(enum phone_step_kind k)
{
    return k == PHONE_STEP_CALL || k == PHONE_STEP_PLAY || k == PHONE_STEP_RECORD ||
           k == PHONE_STEP_DTMF || k == PHONE_STEP_TRANSFER;
}

/* NULL, or what is wrong. */
static const char *read_step(struct phone_step *step)
{
    struct str rest = step->text, verb = next_word(&rest);
    const struct word_row *row = FIND(kinds, verb);
    if (!row) return "no such step";
    step->kind = (enum phone_step_kind)row->value;
    rest = str_trim(rest);
    if (step->kind == PHONE_STEP_WAIT) return read_wait(step, rest);
    if (step->kind == PHONE_STEP_REJECT) {
        const struct word_row *why = rest.n > 0 ? FIND(rejections, rest) : &rejections[0];
        if (!why) return "reject busy, declined or unavailable";
        step->status = (unsigned)why->value;
        return NULL;
    }
    if (!takes_word(step->kind)) return rest.n > 0 ? "too many words" : NULL;
    if (rest.n == 0) return "something is missing behind it";
    if (str_to_cstr(rest, step->word, sizeof step->word) != RC_OK) return "too long";
    if (step->kind == PHONE_STEP_DTMF && !is_digits(step->word)) return "digits are 0-9 * # A-D";
    return NULL;
}

enum rc phone_script_parse(struct phone_script *s, struct str text)
{
    struct str rest, part;
    *s = (struct phone_script){.due_ms = -1};
    if (str_to_cstr(text, s->text, sizeof s->text) != RC_OK) {
        snprintf(s->problem, sizeof s->problem, "The script is too long.");
        return RC_TOO_BIG;
    }
    for (char *p = s->text; *p; p++)
        if (*p == '\n' || *p == '\t') *p = *p == '\n' ? ';' : ' ';
    rest = str_from(s->text);
    while (str_split(&rest, ';', &part)) {
        part = str_trim(part);
        if (part.n == 0) continue;
        if (s->count == PHONE_SCRIPT_STEPS_MAX) {
            snprintf(s->problem, sizeof s->problem, "The script has more than %d steps.",
                     PHONE_SCRIPT_STEPS_MAX);
            return RC_TOO_BIG;
        }
        struct phone_step *step = &s->steps[s->count++];
        step->text = part;
        const char *why = read_step(step);
        if (!why) continue;
        snprintf(s->problem, sizeof s->problem, "Step %zu of the script, \"%.*s\": %s.", s->count,
                 part.n > 80 ? 80 : (int)part.n, part.p, why);
        return RC_MALFORMED;
    }
    if (s->count > 0) return RC_OK;
    snprintf(s->problem, sizeof s->problem, "The script is empty.");
    return RC_MALFORMED;
}

/* ---- running ---- */

static void finish(struct phone_script *s, enum phone_exit exit, const char *why)
{
    s->over = true;
    s->exit = exit;
    s->due_ms = -1;
    if (exit == PHONE_EXIT_OK) return;
    const struct phone_step *step = &s->steps[s->at];
    snprintf(s->problem, sizeof s->problem, "Step %zu of the script, \"%.*s\": %s.", s->at + 1,
             step->text.n > 80 ? 80 : (int)step->text.n, step->text.p, why);
}

static const char *meaning(enum phone_exit exit)
{
    size_t count;
    const struct phone_exit_row *rows = phone_exit_table(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == exit) return rows[i].meaning;
    return "it failed";
}

/* The call the script is about is no more; code: what its end means for one that needed it. */
static void call_is_gone(struct phone_script *s)
{
    enum phone_exit exit = s->ended_exit != PHONE_EXIT_OK ? s->ended_exit : PHONE_EXIT_CALL_ENDED;
    finish(s, exit, meaning(exit));
}

static bool is_so(const struct phone_script *s, const struct phone_step *step)
{
    switch (step->wait) {
    case PHONE_WAIT_REGISTERED: return s->registered;
    case PHONE_WAIT_INCOMING: return s->incoming;
    case PHONE_WAIT_RINGING: return s->ringing || s->answered;
    case PHONE_WAIT_ANSWERED: return s->answered;
    case PHONE_WAIT_HELD: return s->held;
    case PHONE_WAIT_RESUMED: return s->answered && !s->held;
    case PHONE_WAIT_ENDED: return s->ended;
    case PHONE_WAIT_DIGITS: return strstr(s->digits, step->word) != NULL;
    case PHONE_WAIT_TIME: return false;
    }
    return false;
}

/* What cannot come any more once the call has ended. */
static bool needs_call(const struct phone_step *step)
{
    switch (step->kind) {
    case PHONE_STEP_CALL:
    case PHONE_STEP_REJECT:
    case PHONE_STEP_HANGUP: return false;
    case PHONE_STEP_WAIT:
        return step->wait == PHONE_WAIT_RINGING || step->wait == PHONE_WAIT_ANSWERED ||
               step->wait == PHONE_WAIT_HELD || step->wait == PHONE_WAIT_RESUMED ||
               step->wait == PHONE_WAIT_DIGITS;
    case PHONE_STEP_ANSWER:
    case PHONE_STEP_PLAY:
    case PHONE_STEP_RECORD:
    case PHONE_STEP_DTMF:
    case PHONE_STEP_HOLD:
    case PHONE_STEP_RESUME:
    case PHONE_STEP_TRANSFER:
    case PHONE_STEP_JOIN: return true;
    }
    return false;
}

static bool blocks(enum phone_step_kind k)
{
    return k == PHONE_STEP_PLAY || k == PHONE_STEP_DTMF || k == PHONE_STEP_HOLD ||
           k == PHONE_STEP_RESUME || k == PHONE_STEP_TRANSFER || k == PHONE_STEP_JOIN;
}

static void begin_call(struct phone_script *s, bool incoming)
{
    s->has_call = true;
    s->incoming = incoming;
    s->ringing = s->answered = s->held = s->ended = false;
    s->ended_exit = PHONE_EXIT_OK;
    s->digits[0] = '\0';
}

/* Begins the present step; true: it is done already. */
static bool begin_step(struct phone_script *s, int64_t now_ms)
{
    const struct phone_step *step = &s->steps[s->at];
    const char *why = "it cannot be done now";
    if (step->kind == PHONE_STEP_WAIT) {
        if (is_so(s, step)) return true;
        if (s->ended && needs_call(step)) {
            call_is_gone(s);
            return false;
        }
        s->due_ms = now_ms + (int64_t)step->wait_s * 1000;
        s->acted = true;
        return false;
    }
    if (s->ended && needs_call(step)) {
        call_is_gone(s);
        return false;
    }
    if (step->kind == PHONE_STEP_CALL) begin_call(s, false);
    s->acted = true; /* what it causes may come before it returns */
    size_t at = s->at;
    enum rc rc = s->act(s->ctx, step, &why);
    if (s->over || s->at != at) return false;
    if (rc == RC_CONFLICT && s->patient_to_ms == 0)
        s->patient_to_ms = now_ms + PHONE_SCRIPT_PATIENCE_MS;
    if (rc == RC_CONFLICT && now_ms < s->patient_to_ms) {
        s->acted = false;
        s->due_ms = now_ms + PHONE_SCRIPT_RETRY_MS;
        return false;
    }
    s->patient_to_ms = 0;
    if (rc != RC_OK) finish(s, PHONE_EXIT_SCRIPT, why);
    return rc == RC_OK && !blocks(step->kind);
}

static void run(struct phone_script *s, int64_t now_ms)
{
    while (!s->over && !s->acted) {
        if (s->at == s->count) {
            finish(s, PHONE_EXIT_OK, NULL);
            return;
        }
        size_t at = s->at;
        bool done = begin_step(s, now_ms);
        if (s->over || s->at != at) continue;
        if (!done) return;
        s->acted = false;
        s->at++;
    }
}

static void advance(struct phone_script *s, int64_t now_ms)
{
    s->acted = false;
    s->due_ms = -1;
    s->at++;
    run(s, now_ms);
}

static void note(struct phone_script *s, enum phone_script_event event, int arg)
{
    size_t n = strlen(s->digits);
    switch (event) {
    case PHONE_SCRIPT_REGISTERED: s->registered = true; break;
    case PHONE_SCRIPT_INCOMING: begin_call(s, true); break;
    case PHONE_SCRIPT_RINGING: s->ringing = true; break;
    case PHONE_SCRIPT_ANSWERED: s->answered = true; break;
    case PHONE_SCRIPT_HELD: s->held = true; break;
    case PHONE_SCRIPT_RESUMED: s->held = false; break;
    case PHONE_SCRIPT_ENDED:
        s->ended = true;
        s->ended_exit = (enum phone_exit)arg;
        break;
    case PHONE_SCRIPT_DIGIT:
        if (n == PHONE_SCRIPT_DIGITS_MAX) memmove(s->digits, s->digits + 1, n--);
        s->digits[n] = (char)arg;
        s->digits[n + 1] = '\0';
        break;
    case PHONE_SCRIPT_PLAYED:
    case PHONE_SCRIPT_DIGITS_SENT:
    case PHONE_SCRIPT_CHANGED:
    case PHONE_SCRIPT_CHANGE_FAILED:
    case PHONE_SCRIPT_TRANSFERRED:
    case PHONE_SCRIPT_TRANSFER_FAILED:
    case PHONE_SCRIPT_TIME: break;
    }
}

/* Has the step under way come to its end by this event? */
static bool is_done_by(const struct phone_step *step, enum phone_script_event e)
{
    switch ((int)step->kind) {
    case PHONE_STEP_PLAY: return e == PHONE_SCRIPT_PLAYED;
    case PHONE_STEP_DTMF: return e == PHONE_SCRIPT_DIGITS_SENT;
    case PHONE_STEP_HOLD:
    case PHONE_STEP_RESUME: return e == PHONE_SCRIPT_CHANGED;
    case PHONE_STEP_TRANSFER:
    case PHONE_STEP_JOIN: return e == PHONE_SCRIPT_TRANSFERRED;
    default: return false;
    }
}

static void on_time(struct phone_script *s, int64_t now_ms)
{
    const struct phone_step *step = &s->steps[s->at];
    if (s->due_ms < 0 || now_ms < s->due_ms) return;
    if (step->wait == PHONE_WAIT_TIME)
        advance(s, now_ms);
    else
        finish(s, PHONE_EXIT_WAITED, meaning(PHONE_EXIT_WAITED));
}

void phone_script_tell(struct phone_script *s, enum phone_script_event event, int arg,
                       int64_t now_ms)
{
    if (s->over) return;
    note(s, event, arg);
    if (!s->started) {
        if (!s->registered) return;
        s->started = true;
        run(s, now_ms);
        return;
    }
    if (s->at >= s->count) return;
    if (!s->acted) { /* it could not be done just now */
        if (event == PHONE_SCRIPT_TIME && s->due_ms >= 0 && now_ms >= s->due_ms) {
            s->due_ms = -1;
            run(s, now_ms);
        }
        return;
    }
    const struct phone_step *step = &s->steps[s->at];
    bool is_wait = step->kind == PHONE_STEP_WAIT;
    if (event == PHONE_SCRIPT_TIME) {
        if (is_wait) on_time(s, now_ms);
    } else if (is_wait ? is_so(s, step) : is_done_by(step, event)) {
        advance(s, now_ms);
    } else if (event == PHONE_SCRIPT_ENDED && needs_call(step)) {
        call_is_gone(s);
    } else if (event == PHONE_SCRIPT_TRANSFER_FAILED &&
               (step->kind == PHONE_STEP_TRANSFER || step->kind == PHONE_STEP_JOIN)) {
        finish(s, PHONE_EXIT_TRANSFER, "the transfer failed");
    } else if (event == PHONE_SCRIPT_CHANGE_FAILED &&
               (step->kind == PHONE_STEP_HOLD || step->kind == PHONE_STEP_RESUME)) {
        finish(s, PHONE_EXIT_TRANSFER, "the other side does not take it");
    }
}
