#include "auth/page.h"

#include "auth/text.h"
#include "base/base64.h"
#include "crypto/digest.h"

/* In the page itself, allowed by its hash. System colours are left alone in forced-colours mode. */
static const char style[] =
    ":root{color-scheme:light dark;--bg:#eef1f6;--card:#fff;--text:#1b2330;--soft:#586374;"
    "--line:#c3cbd8;--field:#fff;--brand:#1d4ed8;--brand-hover:#1a43b8;--on-brand:#fff;"
    "--bad:#a31515;--bad-bg:#fdecec}"
    "@media(prefers-color-scheme:dark){:root{--bg:#10151d;--card:#1a212c;--text:#e8edf4;"
    "--soft:#a3afc0;--line:#445063;--field:#121821;--brand:#7aa5ff;--brand-hover:#98baff;"
    "--on-brand:#0c1423;--bad:#ffb4ab;--bad-bg:#3a1d1d}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;"
    "padding:16px;background:var(--bg);color:var(--text);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "main{width:100%;max-width:416px;background:var(--card);border:1px solid var(--line);"
    "border-radius:14px;padding:32px;overflow-wrap:break-word}"
    "@media(max-width:420px){main{padding:24px 20px}}"
    ".brand{display:flex;align-items:center;gap:10px;font-weight:600;color:var(--soft);"
    "margin-bottom:20px}.brand svg{width:28px;height:28px;fill:none;stroke:var(--brand);"
    "stroke-width:2.4;stroke-linecap:round}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 6px}"
    "p{margin:0 0 16px}.soft{color:var(--soft)}"
    ".bad{background:var(--bad-bg);color:var(--bad);border-radius:8px;padding:10px 12px;"
    "border-left:4px solid}"
    "label{display:block;font-weight:600;margin:0 0 6px}"
    "input{width:100%;font:inherit;color:inherit;background:var(--field);padding:10px 12px;"
    "border:1px solid var(--soft);border-radius:8px;margin-bottom:16px;min-height:46px}"
    "input:focus-visible,button:focus-visible{outline:3px solid var(--brand);outline-offset:2px}"
    ".gets{border-top:1px solid var(--line);margin:4px 0 20px;padding-top:16px}"
    ".gets p{margin:0 0 6px}.gets ul{margin:0;padding-left:20px;color:var(--soft)}"
    "button{width:100%;min-height:48px;font:inherit;font-weight:600;border-radius:8px;"
    "cursor:pointer;border:1px solid transparent}"
    ".go{background:var(--brand);color:var(--on-brand)}.go:hover{background:var(--brand-hover)}"
    ".no{background:none;color:var(--text);border-color:var(--line);margin-top:10px;"
    "font-weight:400}.no:hover{border-color:var(--soft)}";

enum { STYLE_LEN = sizeof style - 1 };

static void put_head(struct buf *out, const char *title)
{
    buf_put_lit(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                     "<meta name=\"robots\" content=\"noindex\">\n<title>");
    auth_html_put(out, str_from(title));
    buf_put_lit(out, "</title>\n<style>");
    buf_put(out, style, STYLE_LEN);
    buf_put_lit(out,
                "</style>\n</head>\n<body>\n<main>\n<div class=\"brand\">"
                "<svg viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"9\" cy=\"16\" "
                "r=\"3\"/><path d=\"M15 9a10 10 0 0 1 0 14M20 5a16 16 0 0 1 0 22M25 1.500a22 22 0 "
                "0 1 0 29\"/></svg>Bearline</div>\n<h1>");
    auth_html_put(out, str_from(title));
    buf_put_lit(out, "</h1>\n");
}

static void put_tail(struct buf *out)
{
    buf_put_lit(out, "</main>\n</body>\n</html>\n");
}

/* --- what the program gets ------------------------------------------------------------------------ */

struct meaning {
    struct str scope;
    const char *text;
};
static const struct meaning meanings[] = {
    {STR_INIT("openid"), "Know who you are"},
    {STR_INIT("sip"), "Register your phone lines and make calls"},
    {STR_INIT("UnifiedCommunications:readwrite"), "Use your phone lines and settings"},
};

static const char *meaning_of(struct str scope)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (str_eq(scope, meanings[i].scope)) return meanings[i].text;
    return NULL;
}

static void put_scope(struct buf *out, struct str scope)
{
    const char *text = meaning_of(scope);
    buf_put_lit(out, "<li>");
    if (text) {
        buf_put_str(out, str_from(text));
    } else {
        buf_put_lit(out, "Use \xe2\x80\x9c");
        auth_html_put(out, scope);
        buf_put_lit(out, "\xe2\x80\x9d");
    }
    buf_put_lit(out, "</li>\n");
}

static void put_duration(struct buf *out, const struct auth_page *page)
{
    int64_t n = page->refresh_days ? page->refresh_days : page->access_min;
    const char *unit = page->refresh_days ? "day" : "minute";
    buf_printf(out, "<li>Stay signed in for %lld %s%s</li>\n", (long long)n, unit,
               n == 1 ? "" : "s");
}

static void put_gets(struct buf *out, const struct auth_page *page)
{
    struct str rest = page->scope, scope;
    buf_put_lit(out, "<div class=\"gets\">\n<p id=\"gets\"><strong>");
    auth_html_put(out, page->client);
    buf_put_lit(out, "</strong> will be able to:</p>\n<ul aria-labelledby=\"gets\">\n");
    while (rest.n && str_split(&rest, ' ', &scope))
        if (!str_eq(scope, STR("offline_access"))) put_scope(out, scope);
    put_duration(out, page);
    buf_put_lit(out, "</ul>\n</div>\n");
}

/* --- the form --------------------------------------------------------------------------------------- */

static void put_attribute(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, " %s=\"", name);
    auth_html_put(out, value);
    buf_put_char(out, '"');
}

static void put_fields(struct buf *out, const struct auth_page *page)
{
    bool is_known = page->username.n > 0;
    const char *described = page->error ? " aria-describedby=\"error\"" : "";
    buf_put_lit(out, "<input type=\"hidden\" name=\"csrf\"");
    put_attribute(out, "value", page->csrf);
    buf_put_lit(out, ">\n<label for=\"username\">User ID</label>\n<input id=\"username\" "
                     "name=\"username\" type=\"text\" autocomplete=\"username\" "
                     "autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"128\" required");
    put_attribute(out, "value", page->username);
    buf_printf(out, "%s%s>\n", described, is_known ? "" : " autofocus");
    buf_printf(out,
               "<label for=\"password\">Password</label>\n<input id=\"password\" name=\"password\" "
               "type=\"password\" autocomplete=\"current-password\" maxlength=\"1024\" "
               "required%s%s>\n",
               described, is_known ? " autofocus" : "");
}

void auth_page_print_signin(struct buf *out, const struct auth_page *page)
{
    put_head(out, "Sign in");
    buf_put_lit(out, "<p class=\"soft\">to continue to ");
    auth_html_put(out, page->client);
    buf_put_lit(out, "</p>\n");
    if (page->error) {
        buf_put_lit(out, "<p class=\"bad\" id=\"error\" role=\"alert\">");
        auth_html_put(out, str_from(page->error));
        buf_put_lit(out, "</p>\n");
    }
    buf_put_lit(out, "<form method=\"post\"");
    put_attribute(out, "action", page->action);
    buf_put_lit(out, ">\n");
    put_fields(out, page);
    put_gets(out, page);
    buf_put_lit(out, "<button class=\"go\" type=\"submit\">Sign in</button>\n"
                     "<button class=\"no\" type=\"submit\" name=\"cancel\" value=\"1\" "
                     "formnovalidate>Cancel</button>\n</form>\n");
    put_tail(out);
}

void auth_page_print_error(struct buf *out, const char *title, const char *text)
{
    put_head(out, title);
    buf_put_lit(out, "<p>");
    auth_html_put(out, str_from(text));
    buf_put_lit(out, "</p>\n");
    put_tail(out);
}

enum rc auth_page_print_csp(struct buf *out, struct str form_source)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    enum rc rc = crypto_sha256(bytes_of(style, STYLE_LEN), digest);
    if (rc != RC_OK) return rc;
    buf_put_lit(out, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src "
                     "'sha256-");
    base64_print(out, bytes_of(digest, sizeof digest));
    buf_put_lit(out, "'; form-action ");
    if (form_source.n) {
        buf_put_lit(out, "'self' ");
        buf_put_str(out, form_source);
    } else {
        buf_put_lit(out, "'none'");
    }
    return buf_rc(out);
}
