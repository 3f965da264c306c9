/* edge/admission.h - who may go further in. A request from outside reaches a call server only with a
 * bearer token that one of its clusters has issued (RFC 8898), or on a phone's connection that has shown
 * one that still holds; anything else is challenged right here, in the dialect of its sender, or dropped.
 * The call server checks again: what is admitted here is not yet allowed there.
 *
 * A phone's connection is known by the link it comes over and the name its outer edge gives it. One
 * thread's: that of the SIP loop. */
#ifndef EDGE_ADMISSION_H
#define EDGE_ADMISSION_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "edge/cluster.h"
#include "oauth/reason.h"
#include "sip/message.h"
#include "sip/validate.h"

struct edge_admission;

enum {
    EDGE_ADMITTED_MAX = 65536,    /* connections remembered; who was heard least lately gives way */
    EDGE_ADMISSION_NAME_MAX = 64, /* bytes of a connection's name */
    EDGE_ADMISSION_CLUSTERS = 64,
};

struct edge_admission_config {
    struct clock clock;
    struct random_source random;
    size_t max;              /* 0: EDGE_ADMITTED_MAX */
    struct str authz_server; /* of challenges in the standard dialect (RFC 8898, 4); borrowed */
};
/* RC_NOMEM. */
MUST_CHECK enum rc edge_admission_new(const struct edge_admission_config *config,
                                      struct edge_admission **out);
struct edge_admission *edge_admission_free(struct edge_admission *a); /* NULL */

/* Whose tokens count from now on; references are taken. What was admitted by keys that are no longer
 * there must show its token again. */
void edge_admission_set_clusters(struct edge_admission *a, struct edge_cluster *const *clusters,
                                 size_t count);
/* A link has ended: its phones' connections with it. */
void edge_admission_link_closed(struct edge_admission *a, uint64_t link);

enum edge_admit {
    EDGE_ADMITTED,
    EDGE_CHALLENGED, /* answer with status and the headers printed */
    EDGE_NOT_HEARD,  /* ACK or CANCEL of nobody: no answer */
};
struct edge_admit_decision {
    enum edge_admit verdict;
    unsigned status;          /* 401 or 407 */
    enum oauth_reason reason; /* what was wrong with its token; OAUTH_OK: none came */
    struct str user;          /* EDGE_ADMITTED: in the arena */
    size_t cluster;           /* EDGE_ADMITTED: whose token it is, index of the last set */
};
/* name: the connection's, "" where the outer edge gave none (then nothing is remembered). headers gets
 * the challenge's lines. */
struct edge_admit_decision edge_admission_ask(struct edge_admission *a, uint64_t link,
                                              struct str name, const struct sip_message *m,
                                              const struct sip_basics *basics, struct arena *arena,
                                              struct buf *headers);
size_t edge_admission_count(const struct edge_admission *a);

#endif
