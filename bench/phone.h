/* phone.h - what a simulated phone says and how it reads the answer. Pure text: no sockets, no
 * clock. The messages have the form of the client named in the source document (reference REGISTER:
 * device name and model in the Contact, bearer token in Proxy-Authorization, multipart body). */
#ifndef BENCH_PHONE_H
#define BENCH_PHONE_H
#include <stddef.h>
#include <stdint.h>

enum { PHONE_MESSAGE_MAX = 16384, PHONE_TOKEN_MAX = 8192, PHONE_CSEQ_FIRST = 100000 };

/* Who a phone is. The texts belong to the list they were read from. */
struct phone {
    const char *device, *line, *token;
    uint32_t number;  /* position in the list: makes tags and identifiers differ */
    const char *node; /* host name of the server, as it stands in the request URI */
    char address[48]; /* "127.16.0.1:50321": set when the connection exists */
};

enum phone_register {
    PHONE_FIRST,         /* without credentials: to be challenged */
    PHONE_TOKEN,         /* with the token and the multipart body */
    PHONE_REFRESH,       /* no credentials, no body: those of the connection are remembered */
    PHONE_REFRESH_TOKEN, /* no body, but the token once more */
};

/* Prints a REGISTER into out. Returns its length, or 0 when it does not fit. */
size_t phone_print(const struct phone *p, enum phone_register kind, uint32_t cseq, char *out,
                   size_t out_max);

/* Makes a printed REGISTER the next one in place: CSeq and branch have a fixed width.
 * cseq must lie in PHONE_CSEQ_FIRST..999999. */
void phone_renumber(char *message, size_t n, uint32_t cseq);

/* One message out of a stream of bytes. */
struct answer {
    size_t skipped; /* line ends before it */
    size_t n;       /* length with body, without skipped */
    int status;     /* 100..699, or 0 for a request */
};

enum answer_result { ANSWER_WHOLE, ANSWER_MORE, ANSWER_BROKEN };

/* Finds the first message of bytes. *out is written on ANSWER_WHOLE only. ANSWER_BROKEN: no
 * Content-Length, or longer than PHONE_MESSAGE_MAX. */
enum answer_result answer_frame(const char *bytes, size_t n, struct answer *out);

/* The list of phones: lines "device,line,token"; an empty line or one that begins with # is
 * skipped. The list owns its text. */
struct phone_list {
    struct phone *phones;
    size_t count;
    char *text;
};

/* Reads a list from text, which the list takes over (malloc'ed, NUL at text[n]) and changes.
 * 0, or the number of the first bad row (from 1) after freeing everything; -1 out of memory. */
long phone_list_parse(struct phone_list *list, char *text, const char *node);
void phone_list_fini(struct phone_list *list);

#endif
