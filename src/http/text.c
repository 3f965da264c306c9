/* Words of HTTP: methods, status texts, dates, and targets as a log may show them. */
#include "base/cur.h"
#include "base/form.h"
#include "http/message.h"

const char *http_method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET: return "GET";
    case HTTP_HEAD: return "HEAD";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_PATCH: return "PATCH";
    case HTTP_DELETE: return "DELETE";
    case HTTP_OPTIONS: return "OPTIONS";
    }
    return "-";
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) return rows[i].text;
    }
    return "Status";
}

static const char DAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Days since 1970-01-01 of a civil date; m is 1..12. Years count from March so that leap days fall
 * at a year's end. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void date_of(int64_t days, int64_t *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *d = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *m = (int)(month < 10 ? month + 3 : month - 9);
    *y = year_of_era + era * 400 + (*m <= 2);
}

/* Times outside the years 1970..9999 print as the nearest end. */
void http_print_date(struct buf *out, int64_t unix_s)
{
    if (unix_s < 0) unix_s = 0;
    if (unix_s > 253402300799) unix_s = 253402300799;
    int64_t days = unix_s / 86400, second = unix_s % 86400, y;
    int m, d;
    date_of(days, &y, &m, &d);
    buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[(days + 4) % 7], d, MONTHS[m - 1],
               (int)y, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}

static bool take_digits(struct cur *c, size_t n, int max, int *out)
{
    uint64_t v;
    if (cur_left(c) < n || str_to_u64(str_of(c->p, n), (uint64_t)max, &v) != RC_OK) return false;
    c->p += n;
    *out = (int)v;
    return true;
}

static bool take_name(struct cur *c, const char (*names)[4], int count, int *index)
{
    for (*index = 0; *index < count && cur_left(c) >= 3; (*index)++) {
        if (memcmp(c->p, names[*index], 3) != 0) continue;
        c->p += 3;
        return true;
    }
    return false;
}

/* IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT  RFC 9110, 5.6.7 */
enum rc http_parse_date(struct str text, int64_t *unix_s)
{
    struct cur c = cur_of(text);
    int day_name, d, m, y, hour, minute, second;
    bool is_good = take_name(&c, DAYS, 7, &day_name) && cur_char(&c, ',') && cur_char(&c, ' ') &&
                   take_digits(&c, 2, 31, &d) && cur_char(&c, ' ') &&
                   take_name(&c, MONTHS, 12, &m) && cur_char(&c, ' ') &&
                   take_digits(&c, 4, 9999, &y) && cur_char(&c, ' ') &&
                   take_digits(&c, 2, 23, &hour) && cur_char(&c, ':') &&
                   take_digits(&c, 2, 59, &minute) && cur_char(&c, ':') &&
                   take_digits(&c, 2, 60, &second) && str_eq(cur_rest(&c), STR(" GMT"));
    if (!is_good || d == 0) return RC_MALFORMED;
    *unix_s = days_of(y, m + 1, d) * 86400 + hour * 3600 + minute * 60 + second;
    return RC_OK;
}

/* Parameters whose values help whoever reads a log and are nobody's secret. */
static bool is_harmless(struct str name)
{
    static const struct str names[] = {
        STR_INIT("response_type"), STR_INIT("client_id"),
        STR_INIT("scope"),         STR_INIT("code_challenge_method"),
        STR_INIT("error"),         STR_INIT("limit"),
        STR_INIT("after"),         STR_INIT("match"),
        STR_INIT("device"),        STR_INIT("user"),
        STR_INIT("service_name"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq(name, names[i])) return true;
    }
    return false;
}

void http_print_loggable(struct buf *out, struct str target)
{
    ptrdiff_t mark = str_find_char(target, '?');
    buf_put_str(out, mark < 0 ? target : str_sub(target, 0, (size_t)mark));
    if (mark < 0) return;
    struct str query = str_sub(target, (size_t)mark + 1, target.n), pair;
    char separator = '?';
    while (str_split(&query, '&', &pair)) {
        struct str value = pair, name;
        if (!str_split(&value, '=', &name)) continue;
        buf_put_char(out, separator);
        separator = '&';
        bool has_value = value.p != NULL;
        /* A nameless value could be anything. */
        buf_put_str(out, has_value ? name : STR("*"));
        if (!has_value) continue;
        buf_put_char(out, '=');
        buf_put_str(out, is_harmless(name) ? value : STR("*"));
    }
}
