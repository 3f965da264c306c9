/* base/list.h - intrusive doubly linked list. The head is a link; empty, it points to itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
/* Safe against removal of the present element. */
#define LIST_FOR_EACH(it, head)                                                                    \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}
static inline void list_insert_before(struct list *at, struct list *l)
{
    l->next = at;
    l->prev = at->prev;
    at->prev->next = l;
    at->prev = l;
}
static inline void list_push_back(struct list *head, struct list *l)
{
    list_insert_before(head, l);
}
static inline void list_push_front(struct list *head, struct list *l)
{
    list_insert_before(head->next, l);
}
/* Leaves l self-linked, so removing twice is harmless. */
static inline void list_remove(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}
static inline struct list *list_first(struct list *head)
{
    return head->next == head ? NULL : head->next;
}

#endif
