/* bench_test.h - brings cmocka in the order it wants. */
#ifndef BENCH_TEST_H
#define BENCH_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#endif
