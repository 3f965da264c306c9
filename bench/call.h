/* call.h - what two simulated phones say in a call through a proxy: INVITE with an SRTP offer, 180,
 * 200 with the answer, ACK, BYE, 200. Pure text: no sockets, no clock. Each function prints into
 * out and returns the length, or 0 when it does not fit or what it was given cannot be read. */
#ifndef BENCH_CALL_H
#define BENCH_CALL_H
#include "phone.h"

/* Call number `number` of this caller: makes Call-ID, tags and branches differ. */
size_t call_print_invite(const struct phone *caller, const struct phone *callee, uint32_t number,
                         char *out, size_t out_max);

/* An answer to a request that came in; a 200 to an INVITE bears the SDP answer. */
size_t call_print_answer(const struct phone *callee, const char *request, size_t request_n,
                         int status, char *out, size_t out_max);

/* ACK or BYE within the dialog that a 200 to our INVITE made, along its route set. */
size_t call_print_follow(const struct phone *caller, const char *method, const char *answer,
                         size_t answer_n, uint32_t number, char *out, size_t out_max);

/* Does the message begin with (a request) or answer (its CSeq) this method? */
int call_is(const char *message, size_t n, const char *method);

#endif
