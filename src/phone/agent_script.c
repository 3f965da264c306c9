/* A script at work: its steps done to calls, what happens to calls told to it. It is about one call at
 * a time: the last one dialled or come in. */
#include "phone/agent_int.h"

#include "media/session.h"
#include <stdlib.h>

enum { RECORD_RATE_HZ = 16000 };

static void arm(struct agent *a);

static void on_script_time(void *ctx)
{
    struct agent *a = ctx;
    phone_script_tell(a->script, PHONE_SCRIPT_TIME, 0, clock_mono_ms(&a->clock));
    arm(a);
}

/* The script is through: the phone stops, its end is the program's. */
static void over(struct agent *a)
{
    if (a->script_told) return;
    a->script_told = true;
    if (a->script->exit != PHONE_EXIT_OK) {
        struct phone_problem p;
        phone_problem_set(&p, a->script->exit, "%s", a->script->problem);
        agent_note(a, &p);
    }
    agent_stop(a);
}

static void arm(struct agent *a)
{
    int64_t due_ms = a->script->due_ms, now_ms = clock_mono_ms(&a->clock);
    net_timer_stop(a->loop, &a->script_timer);
    if (a->script->over)
        over(a);
    else if (due_ms >= 0)
        net_timer_start(a->loop, &a->script_timer,
                        due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0, on_script_time, a);
}

void agent_script_tell(struct agent *a, const struct phone_call *call,
                       enum phone_script_event event, int arg)
{
    if (!a->script || (call && call != a->script_call)) return;
    phone_script_tell(a->script, event, arg, clock_mono_ms(&a->clock));
    arm(a);
}

/* ---- steps ---- */

static struct phone_call *find_ringing(struct agent *a)
{
    struct phone_call *call;
    for (size_t i = 0; (call = phone_calls_at(a->calls, i)) != NULL; i++)
        if (phone_call_info(call)->state == PHONE_CALL_INCOMING) return call;
    return NULL;
}

static enum rc dial(struct agent *a, const struct phone_step *step, const char **why)
{
    struct phone_call *call;
    enum rc rc = phone_call_dial(a->calls, str_from(step->word), &call);
    *why = rc == RC_MALFORMED ? "that is no number"
           : rc == RC_CLOSED  ? "the line is not registered now"
           : rc == RC_BUSY    ? "no more calls, or no free media port"
                              : "the call cannot be made";
    if (rc != RC_OK) return rc;
    a->script_before = a->script_call;
    a->script_call = call;
    return RC_OK;
}

static enum rc sound_file(struct agent *a, const struct phone_step *step, const char **why)
{
    struct media_session *s = agent_call_session(a->script_call);
    if (!s) return RC_NOT_FOUND;
    enum rc rc = step->kind == PHONE_STEP_PLAY
                     ? media_session_play(s, step->word)
                     : media_session_record(s, step->word, RECORD_RATE_HZ);
    *why = rc == RC_NOT_FOUND     ? "the file is not there"
           : rc == RC_MALFORMED   ? "the file is no WAV file"
           : rc == RC_UNSUPPORTED ? "the file is not PCM, 16 bit, 8 to 48 kHz"
           : rc == RC_TOO_BIG     ? "the file is too long"
                                  : "the file cannot be used";
    return rc;
}

static enum rc send_digits(struct agent *a, const struct phone_step *step, const char **why)
{
    struct media_session *s = agent_call_session(a->script_call);
    enum rc rc = s ? media_session_dtmf(s, str_from(step->word)) : RC_NOT_FOUND;
    *why = rc == RC_UNSUPPORTED ? "the other side takes no telephone events"
                                : "the digits cannot be sent";
    return rc;
}

static enum rc hold(struct agent *a, bool hold, const char **why)
{
    *why = "the call cannot be held or resumed now";
    if (phone_call_info(a->script_call)->holding == hold &&
        !phone_call_info(a->script_call)->changing) {
        agent_script_tell(a, a->script_call, PHONE_SCRIPT_CHANGED, 0);
        return RC_OK;
    }
    return phone_call_hold(a->script_call, hold);
}

static enum rc join(struct agent *a, const char **why)
{
    *why = "there are no two calls that talk";
    if (!a->script_before) return RC_NOT_FOUND;
    enum rc rc = phone_call_transfer_to(a->script_before, a->script_call);
    if (rc == RC_OK) a->script_joins = true;
    return rc;
}

static void hang_up(struct agent *a)
{
    struct phone_call *call = a->script_call;
    if (call) phone_call_hang_up(call);
}

static enum rc act(void *ctx, const struct phone_step *step, const char **why)
{
    struct agent *a = ctx;
    struct phone_call *ringing = find_ringing(a);
    *why = "there is no such call";
    if (step->kind == PHONE_STEP_CALL) return dial(a, step, why);
    if (step->kind == PHONE_STEP_HANGUP) {
        hang_up(a);
        return RC_OK;
    }
    if (step->kind == PHONE_STEP_ANSWER || step->kind == PHONE_STEP_REJECT) {
        if (!ringing) return RC_NOT_FOUND;
        return step->kind == PHONE_STEP_ANSWER ? phone_call_answer(ringing)
                                               : phone_call_reject(ringing, step->status);
    }
    if (!a->script_call) return RC_NOT_FOUND;
    *why = "it cannot be done in this call now";
    switch ((int)step->kind) {
    case PHONE_STEP_PLAY:
    case PHONE_STEP_RECORD: return sound_file(a, step, why);
    case PHONE_STEP_DTMF: return send_digits(a, step, why);
    case PHONE_STEP_HOLD: return hold(a, true, why);
    case PHONE_STEP_RESUME: return hold(a, false, why);
    case PHONE_STEP_TRANSFER: return phone_call_transfer(a->script_call, str_from(step->word));
    case PHONE_STEP_JOIN: return join(a, why);
    default: return RC_UNSUPPORTED;
    }
}

/* ---- what happens to calls ---- */

static void ended(struct agent *a, struct phone_call *call)
{
    enum phone_call_cause cause = phone_call_info(call)->cause;
    bool was_before = call == a->script_before, was_present = call == a->script_call;
    if (was_before) a->script_before = NULL;
    if (cause == PHONE_CAUSE_TRANSFERRED && (was_present || was_before)) {
        a->script_joins = false;
        agent_script_tell(a, NULL, PHONE_SCRIPT_TRANSFERRED, 0);
    }
    if (!was_present) return;
    struct phone_call *left = phone_calls_at(a->calls, 0);
    bool goes_on = cause == PHONE_CAUSE_REPLACED || a->script_joins ||
                   (a->script_referred == call && left && cause != PHONE_CAUSE_HUNG_UP);
    if (!goes_on) agent_script_tell(a, call, PHONE_SCRIPT_ENDED, (int)phone_cause_exit(cause));
    a->script_call = left; /* one that waited, if any */
}

void agent_script_call(struct agent *a, struct phone_call *call, enum phone_call_event event)
{
    if (!a->script) return;
    if (event == PHONE_CALL_EV_ENDED && call == a->script_referred && call != a->script_call)
        a->script_referred = NULL;
    if (event == PHONE_CALL_EV_INCOMING || event == PHONE_CALL_EV_REFERRED ||
        event == PHONE_CALL_EV_REPLACES) {
        if (event == PHONE_CALL_EV_INCOMING) a->script_before = a->script_call;
        if (event == PHONE_CALL_EV_REFERRED) a->script_referred = call;
        a->script_call = call;
    }
    bool held = phone_call_info(call)->is_held, was_held = a->script->held;
    switch ((int)event) {
    case PHONE_CALL_EV_INCOMING: agent_script_tell(a, call, PHONE_SCRIPT_INCOMING, 0); break;
    case PHONE_CALL_EV_RINGING: agent_script_tell(a, call, PHONE_SCRIPT_RINGING, 0); break;
    case PHONE_CALL_EV_ANSWERED: agent_script_tell(a, call, PHONE_SCRIPT_ANSWERED, 0); break;
    case PHONE_CALL_EV_CHANGED:
        if (held != was_held)
            agent_script_tell(a, call, held ? PHONE_SCRIPT_HELD : PHONE_SCRIPT_RESUMED, 0);
        else
            agent_script_tell(a, call, PHONE_SCRIPT_CHANGED, 0);
        break;
    case PHONE_CALL_EV_CHANGE_FAILED:
        agent_script_tell(a, call, PHONE_SCRIPT_CHANGE_FAILED, 0);
        break;
    case PHONE_CALL_EV_TRANSFER_FAILED:
        a->script_joins = false;
        agent_script_tell(a, NULL, PHONE_SCRIPT_TRANSFER_FAILED, 0);
        break;
    case PHONE_CALL_EV_ENDED: ended(a, call); break;
    default: break;
    }
}

enum phone_exit agent_script_open(struct agent *a, struct phone_problem *problem)
{
    if (!a->config->script || a->script) return PHONE_EXIT_OK;
    a->script = calloc(1, sizeof *a->script);
    if (!a->script) return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    if (phone_script_parse(a->script, str_from(a->config->script)) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_USAGE, "%s", a->script->problem);
    a->script->act = act;
    a->script->ctx = a;
    return PHONE_EXIT_OK;
}

void agent_script_close(struct agent *a)
{
    net_timer_stop(a->loop, &a->script_timer);
    a->script_call = a->script_before = a->script_referred = NULL;
}
