#include "edge/zone_fault.h"

#include <errno.h>
#include <stdio.h>

static void cure(struct edge_problem *p, const char *fix)
{
    snprintf(p->fix, sizeof p->fix, "%s", fix);
}

static void say(struct edge_problem *p, const char *text, const char *fix)
{
    snprintf(p->text, sizeof p->text, "%s", text);
    cure(p, fix);
}

void edge_zone_say(enum edge_zone_fault fault, const struct edge_zone_place *z,
                   struct edge_problem *p)
{
    switch (fault) {
    case EDGE_ZONE_NO_PORT: /* of nodes alone */
        snprintf(p->text, sizeof p->text, "%.100s has no SIP Mobile and Remote Access OAuth port",
                 z->node);
        snprintf(p->fix, sizeof p->fix,
                 "On the call server: node update %.100s --sip-mra-oauth-port 5091", z->node);
        return;
    case EDGE_ZONE_NO_ADDRESS:
        snprintf(p->text, sizeof p->text, "the name %.200s has no address here", z->host);
        snprintf(
            p->fix, sizeof p->fix,
            "Let this machine's DNS (or /etc/hosts) know %.200s; see resolv.conf for split DNS",
            z->host);
        return;
    case EDGE_ZONE_DNS_SILENT:
        snprintf(p->text, sizeof p->text, "no name server answered for %.200s", z->host);
        cure(p, "See /etc/resolv.conf of this machine and the way to that server");
        return;
    case EDGE_ZONE_NO_CERTIFICATE:
        say(p, "this edge has no certificate to show, or trusts nobody",
            "bearline --edge show cert list own; show cert list trust");
        return;
    case EDGE_ZONE_NOT_SENT:
        say(p, "this edge has no descriptor or no memory left for it",
            "See this edge's log and its limits (LimitNOFILE)");
        return;
    case EDGE_ZONE_SILENT:
        snprintf(p->text, sizeof p->text, "%.70s takes the connection but answers no SIP", z->peer);
        cure(p, "See that node's log; it may be overloaded, or something else answers there");
        return;
    }
}

/* ---- TLS ---- */

static const char *known(const char *text, const char *other)
{
    return text[0] != '\0' ? text : other;
}

/* The outer edge does not take us. */
static void explain_unpaired(const struct net_tls_failure *t, const struct edge_zone_place *z,
                             struct edge_problem *p)
{
    snprintf(p->text, sizeof p->text,
             "the outer edge %.70s does not take this edge's certificate %.100s, issued by %.100s "
             "(alert %s)",
             z->node, known(t->subject, "?"), known(t->issuer, "?"), known(t->alert_name, "none"));
    cure(p, "Pair them: bearline --edge peer card > card.json here, then on the outer edge: "
            "bearline --edge peer pair card.json");
}

/* The node does not take us. */
static void explain_refused(const struct net_tls_failure *t, const struct edge_zone_place *z,
                            struct edge_problem *p)
{
    if (z->is_link) {
        explain_unpaired(t, z, p);
        return;
    }
    switch ((int)t->cause) {
    case NET_TLS_CAUSE_UNKNOWN_CA:
        snprintf(p->text, sizeof p->text,
                 "%.70s does not trust this edge's certificate %.100s, issued by %.100s (alert %s)",
                 z->peer, known(t->subject, "?"), known(t->issuer, "?"), t->alert_name);
        cure(p, "On the call server, with ca.pem of this edge's data folder: set cert import trust "
                "tomcat ca.pem");
        return;
    case NET_TLS_CAUSE_NOT_ADMITTED:
        snprintf(p->text, sizeof p->text,
                 "%.70s trusts this edge's certificate but has none of its names in "
                 "expresswaycconfiguration (alert %s)",
                 z->peer, t->alert_name);
        cure(p,
             "bearline --edge ucm refresh: that writes the row anew. Or on the call server: show "
             "handshakes");
        return;
    case NET_TLS_CAUSE_EXPIRED:
        snprintf(p->text, sizeof p->text, "%.70s finds this edge's certificate expired", z->peer);
        cure(p, "bearline --edge set cert regen tomcat; and compare the clocks");
        return;
    default:
        snprintf(p->text, sizeof p->text, "%.70s refuses the TLS handshake (alert %s)", z->peer,
                 known(t->alert_name, "none"));
        cure(p, "On the call server: show handshakes");
    }
}

/* We do not take the node. */
static void explain_distrust(const struct net_tls_failure *t, const struct edge_zone_place *z,
                             struct edge_problem *p)
{
    switch ((int)t->cause) {
    case NET_TLS_CAUSE_UNKNOWN_CA:
        snprintf(p->text, sizeof p->text,
                 "this edge does not trust the certificate of %.70s: %.100s, issued by %.100s "
                 "(unknown CA)",
                 z->peer, known(t->subject, "?"), known(t->issuer, "?"));
        cure(p,
             z->is_link
                 ? "Pair them anew: bearline --edge peer card > card.json on the outer edge, then "
                   "here: bearline --edge peer pair card.json"
                 : "With ca.pem of that node's data folder: bearline --edge set cert import trust "
                   "tomcat ca.pem");
        return;
    case NET_TLS_CAUSE_NAME_MISMATCH:
        snprintf(p->text, sizeof p->text, "the certificate of %.70s is for %.150s, not for %.100s",
                 z->peer, known(t->names, "no name"), z->host);
        cure(p, z->is_link
                    ? "Start the outer edge with the name it is reached by: node.host in its "
                      "settings; then set cert regen tomcat there, and pair them anew"
                    : "On the call server: set cert regen tomcat, with its host name set right");
        return;
    case NET_TLS_CAUSE_EXPIRED:
    case NET_TLS_CAUSE_NOT_YET_VALID:
        snprintf(p->text, sizeof p->text, "the certificate of %.70s is expired or not yet valid",
                 z->peer);
        cure(p, "There: set cert regen tomcat; and compare the clocks");
        return;
    default:
        snprintf(p->text, sizeof p->text, "the TLS handshake with %.70s failed: %.200s", z->peer,
                 known(t->verify, known(t->library, "no reason given")));
        cure(p, z->is_link ? "See that the port is the outer edge's traversal port, and its log"
                           : "See that the port is the node's MRA port, and its log");
    }
}

void edge_zone_explain(const struct net_close *lost, bool was_active, struct str text,
                       const struct edge_zone_place *z, struct edge_problem *p)
{
    *p = (struct edge_problem){.text = ""};
    if (lost && lost->kind == NET_CLOSE_TLS && lost->tls) {
        if (lost->tls->by_peer)
            explain_refused(lost->tls, z, p);
        else
            explain_distrust(lost->tls, z, p);
        return;
    }
    if (lost && lost->kind == NET_CLOSE_CONNECT) {
        bool is_closed = lost->sys_errno == ECONNREFUSED;
        snprintf(p->text, sizeof p->text,
                 is_closed ? "nobody listens on %.70s" : "no connection to %.70s opens", z->peer);
        cure(p, !is_closed
                    ? "See the way there: routes, and the firewall rule from this edge to that port"
                : z->is_link
                    ? "See that the outer edge runs: bearline --edge status there; and param show "
                      "EdgeTraversalPort"
                    : "On the call server: utils sipOAuth-mode status; status");
        return;
    }
    snprintf(p->text, sizeof p->text, "%s%.70s ended%s%.*s",
             was_active ? "the connection to " : "the first connection to ", z->peer,
             text.n > 0 ? ": " : "", STR_ARG(str_sub(text, 0, 200)));
    cure(p, was_active   ? "Nothing: it is opened again by itself"
            : z->is_link ? "On the outer edge: show zones; and its log"
                         : "On the call server: show handshakes; and its log");
}
