/* base/check.h - CHECK states what the program itself guarantees; it stays on in releases.
 * Bytes from a peer never reach a CHECK: they earn an rc. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

_Noreturn void check_failed(const char *what, const char *file, int line);

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

#endif
