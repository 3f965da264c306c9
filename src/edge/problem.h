/* edge/problem.h - what keeps a part of the edge from working, in words for the operator. By value. */
#ifndef EDGE_PROBLEM_H
#define EDGE_PROBLEM_H
#include "base/str.h"

struct edge_problem {
    char text[400]; /* what was found, no full stop at its end; "": no problem */
    char fix[300];  /* what to do */
};

static inline bool edge_problem_is(const struct edge_problem *p)
{
    return p->text[0] != '\0';
}

#endif
