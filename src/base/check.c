/* base/check.c - the end of a program that found itself wrong. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "CHECK failed: %s at %s:%d\n", what, file, line);
    abort();
}
