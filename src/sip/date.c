#include "sip/date.h"
#include "sip/lex_int.h"

enum { DAY_S = 86400 };
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
static const int64_t unix_max_s = 253402300799;          /* 9999-12-31T23:59:59Z */

/* Days since 1970-01-01 of a date of the Gregorian calendar; years begin in March here, so that the
 * leap day is the last. */
static int64_t date_days(int64_t year, int month, int day)
{
    if (month <= 2) year--;
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_civil(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = days / 146097, day_of_era = days % 146097;
    int64_t y = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

void sip_date_print(struct buf *out, int64_t unix_s)
{
    if (unix_s < 0) unix_s = 0;
    if (unix_s > unix_max_s) unix_s = unix_max_s;
    int64_t days = unix_s / DAY_S;
    int year, month, day, second = (int)(unix_s % DAY_S);
    date_civil(days, &year, &month, &day);
    buf_put(out, day_names + days % 7 * 3, 3);
    buf_put_lit(out, ", ");
    buf_put_u64_wide(out, (uint64_t)day, 2);
    buf_put_char(out, ' ');
    buf_put(out, month_names + (month - 1) * 3, 3);
    buf_put_char(out, ' ');
    buf_put_u64_wide(out, (uint64_t)year, 4);
    buf_put_char(out, ' ');
    buf_put_u64_wide(out, (uint64_t)second / 3600, 2);
    buf_put_char(out, ':');
    buf_put_u64_wide(out, (uint64_t)second / 60 % 60, 2);
    buf_put_char(out, ':');
    buf_put_u64_wide(out, (uint64_t)second % 60, 2);
    buf_put_lit(out, " GMT");
}

static bool date_number(struct cur *c, int digits_min, int digits_max, int *out)
{
    int digits = 0, value = 0;
    for (; c->p < c->end && lex_is2(*c->p, LEX_DIGIT) && digits < digits_max; digits++)
        value = value * 10 + (*c->p++ - '0');
    *out = value;
    return digits >= digits_min;
}

static struct str date_word(struct cur *c)
{
    const char *start = c->p;
    while (c->p < c->end && lex_is2(*c->p, LEX_ALPHA))
        c->p++;
    return cur_since(c, start);
}

static int date_month(struct str word)
{
    for (int m = 0; m < 12; m++) {
        if (str_eq_nocase(word, str_of(month_names + m * 3, 3))) return m + 1;
    }
    return 0;
}

/* Seconds east of Greenwich; RFC 5322's zones, as senders that ignore "GMT only" write them. */
static bool date_zone(struct cur *c, int *offset_s)
{
    static const struct {
        struct str name;
        int hours;
    } zones[] = {{STR_INIT("GMT"), 0},  {STR_INIT("UTC"), 0},  {STR_INIT("UT"), 0},
                 {STR_INIT("Z"), 0},    {STR_INIT("EST"), -5}, {STR_INIT("EDT"), -4},
                 {STR_INIT("CST"), -6}, {STR_INIT("CDT"), -5}, {STR_INIT("MST"), -7},
                 {STR_INIT("MDT"), -6}, {STR_INIT("PST"), -8}, {STR_INIT("PDT"), -7}};
    int sign = cur_char(c, '+') ? 1 : cur_char(c, '-') ? -1 : 0, hhmm;
    if (sign != 0) {
        if (!date_number(c, 4, 4, &hhmm) || hhmm % 100 > 59) return false;
        *offset_s = sign * (hhmm / 100 * 3600 + hhmm % 100 * 60);
        return true;
    }
    struct str word = date_word(c);
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (!str_eq_nocase(word, zones[i].name)) continue;
        *offset_s = zones[i].hours * 3600;
        return true;
    }
    return false;
}

struct date_parts {
    int year, month, day, hour, minute, second, offset_s;
};

static bool date_read(struct cur *c, struct date_parts *d)
{
    lex_lws(c);
    if (date_word(c).n > 0 && !cur_char(c, ',')) return false;
    lex_lws(c);
    if (!date_number(c, 1, 2, &d->day)) return false;
    lex_lws(c);
    d->month = date_month(date_word(c));
    lex_lws(c);
    if (d->month == 0 || !date_number(c, 4, 4, &d->year)) return false;
    lex_lws(c);
    if (!date_number(c, 2, 2, &d->hour) || !cur_char(c, ':')) return false;
    if (!date_number(c, 2, 2, &d->minute) || !cur_char(c, ':')) return false;
    if (!date_number(c, 2, 2, &d->second)) return false;
    lex_lws(c);
    if (!date_zone(c, &d->offset_s)) return false;
    lex_lws(c);
    return cur_at_end(c);
}

static int date_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (leap && month == 2);
}

enum rc sip_date_parse(struct str value, int64_t *unix_s)
{
    struct cur c = cur_of(value);
    struct date_parts d;
    if (!date_read(&c, &d)) return RC_MALFORMED;
    if (d.year < 1900 || d.day < 1 || d.day > date_month_days(d.year, d.month)) return RC_INVALID;
    if (d.hour > 23 || d.minute > 59 || d.second > 60) return RC_INVALID;
    *unix_s = date_days(d.year, d.month, d.day) * DAY_S + d.hour * 3600 + d.minute * 60 + d.second -
              d.offset_s;
    return RC_OK;
}
