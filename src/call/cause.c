#include "call/cause.h"

#include "base/check.h"

/* RFC 3398, 8.2.6.1. 488 and 606 go by their Warning there, which no record keeps. */
static const struct {
    unsigned short status, cause;
} table[] = {
    {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63}, {406, 79},
    {407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127},
    {420, 127}, {421, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},
    {484, 28},  {485, 1},   {486, 17},  {487, 16},  {500, 41},  {501, 79}, {502, 38},
    {503, 41},  {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21}, {604, 1},
};

unsigned call_cause_of_status(unsigned status)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status) return table[i].cause;
    return CALL_CAUSE_UNSPECIFIED;
}

unsigned call_cause(enum call_end end, unsigned status)
{
    switch (end) {
    case CALL_END_CALLER:
    case CALL_END_CALLEE:
    case CALL_END_CANCELLED: return CALL_CAUSE_NORMAL;
    case CALL_END_REFUSED: return call_cause_of_status(status);
    case CALL_END_VANISHED: return CALL_CAUSE_OUT_OF_ORDER;
    case CALL_END_EXPIRED: return CALL_CAUSE_TIMER;
    case CALL_END_OPERATOR: return CALL_CAUSE_UNSPECIFIED;
    case CALL_END_STOPPED: return CALL_CAUSE_TEMPORARY;
    }
    CHECK(false);
    return 0;
}
