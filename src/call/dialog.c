#include "call/dialog.h"

enum { PART_COUNT = 7 };

/* The parts one after the other, as they lie in the buffer. */
static void list_parts(const struct call_dialog_parts *p, struct str out[PART_COUNT])
{
    out[0] = p->call_id;
    for (int i = 0; i < 2; i++) {
        out[1 + i] = p->who[i];
        out[3 + i] = p->target[i];
        out[5 + i] = p->route[i];
    }
}

static struct call_dialog_parts parts_of(const struct call_dialog *d)
{
    struct str s[PART_COUNT];
    size_t at = 0;
    for (int i = 0; i < PART_COUNT; i++) {
        s[i] = str_of(d->text.p + at, d->n[i]);
        at += d->n[i];
    }
    return (struct call_dialog_parts){
        .call_id = s[0], .who = {s[1], s[2]}, .target = {s[3], s[4]}, .route = {s[5], s[6]}};
}

void call_dialog_init(struct call_dialog *d)
{
    *d = (struct call_dialog){.n = {0}};
    buf_init(&d->text, CALL_DIALOG_MAX);
}

void call_dialog_fini(struct call_dialog *d)
{
    buf_fini(&d->text);
}

void call_dialog_reset(struct call_dialog *d)
{
    struct buf text = d->text;
    *d = (struct call_dialog){.n = {0}};
    d->text = text;
    buf_reset(&d->text);
}

void call_dialog_set(struct call_dialog *d, const struct call_dialog_parts *p)
{
    struct str s[PART_COUNT];
    list_parts(p, s);
    buf_reset(&d->text);
    for (int i = 0; i < PART_COUNT; i++) {
        buf_put_str(&d->text, s[i]);
        d->n[i] = (uint16_t)(s[i].n < CALL_DIALOG_MAX ? s[i].n : CALL_DIALOG_MAX);
    }
    if (buf_rc(&d->text) != RC_OK) buf_reset(&d->text);
}

void call_dialog_retarget(struct call_dialog *d, unsigned side, struct str target)
{
    char copy[CALL_DIALOG_MAX];
    struct call_dialog old = *d;
    if (d->text.n == 0 || target.n == 0) return;
    if (str_eq(parts_of(d).target[side], target)) return;
    memcpy(copy, d->text.p, d->text.n);
    old.text.p = copy;
    struct call_dialog_parts p = parts_of(&old);
    p.target[side] = target;
    call_dialog_set(d, &p);
}

bool call_dialog_print_bye(struct call_dialog *d, unsigned side, struct str reason, struct str *uri,
                           struct buf *lines)
{
    if (d->text.n == 0) return false;
    struct call_dialog_parts p = parts_of(d);
    unsigned other = 1 - side;
    if (p.target[side].n == 0) return false;
    *uri = p.target[side];
    buf_put_str(lines, p.route[side]);
    buf_put_lit(lines, "Max-Forwards: 70\r\nFrom: ");
    buf_put_str(lines, p.who[other]);
    buf_put_lit(lines, "\r\nTo: ");
    buf_put_str(lines, p.who[side]);
    buf_put_lit(lines, "\r\nCall-ID: ");
    buf_put_str(lines, p.call_id);
    buf_put_lit(lines, "\r\nCSeq: ");
    buf_put_u64(lines, ++d->cseq[other]);
    buf_put_lit(lines, " BYE\r\n");
    buf_put_str(lines, reason);
    return buf_rc(lines) == RC_OK;
}
