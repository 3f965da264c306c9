/* base/str_test.c - slices: comparing, searching, converting. */
#include "kit/kit.h"

int main(void)
{
    return 0;
}
