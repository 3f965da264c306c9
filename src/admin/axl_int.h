/* admin/axl_int.h - what the files of AXL share: the call under way. */
#ifndef ADMIN_AXL_INT_H
#define ADMIN_AXL_INT_H
#include "admin/api_int.h"
#include "admin/axl.h"
#include "admin/soap.h"

/* Codes of axlError. 5007 and -239 are the reference's (item not found; a duplicate value in a unique
 * index); the others are ours. */
enum axl_code {
    AXL_DUPLICATE = -239,
    AXL_NOT_FOUND = 5007,
    AXL_INVALID = 5003,
    AXL_NO_OPERATION = 5001,
    AXL_VERSION = 5002,
    AXL_INTERNAL = 5000,
};

struct axl_call {
    struct admin_call *c;
    struct soap_call soap;
    struct soap_answer answer;
    struct buf out;
};
typedef void axl_fn(struct axl_call *x);

/* Ends the call. */
void axl_fault(struct axl_call *x, int status, enum axl_code code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* By rc, with the store's sentence or one about what ("expresswayCConfiguration exp-c"). */
void axl_fault_rc(struct axl_call *x, enum rc rc, const char *noun, struct str key);
/* The answer, its <return> open; what is written there follows by axl_end. */
struct xml_writer *axl_begin(struct axl_call *x);
void axl_end(struct axl_call *x);
/* <return>{uuid}</return> */
void axl_return_uuid(struct axl_call *x, struct str pkid);
/* Is the tag asked for? An empty or missing returnedTags asks for all of them. */
bool axl_wants(const struct axl_call *x, const char *tag);
void axl_put_uuid(struct xml_writer *w, struct str pkid);
/* A leaf where the tag is asked for. */
void axl_put(struct axl_call *x, struct xml_writer *w, const char *tag, struct str text);
/* skip and first of a list; false and answered where they are no numbers. */
bool axl_window(struct axl_call *x, uint64_t *skip, uint64_t *first);
/* Does value fit the criterion of that name? One that is not given fits all. */
bool axl_fits(const struct axl_call *x, const char *criterion, struct str value);

axl_fn axl_get_ccm_version, axl_list_process_node, axl_list_call_manager, axl_get_call_manager;
axl_fn axl_add_edge, axl_update_edge, axl_get_edge, axl_list_edge, axl_remove_edge;
axl_fn axl_execute_sql_query;

#endif
