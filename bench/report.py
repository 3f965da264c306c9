"""Turns the rounds of script/bench into medians, ratios and the aims: reached or not."""
import statistics

# (key, label, format) of what is measured against each server.
ROWS = [
    ("refresh_cpu_us", "CPU us a refresh", "{:.1f}"),
    ("refresh_token_cpu_us", "CPU us a refresh that carries the token", "{:.1f}"),
    ("new_cpu_us", "CPU us a new phone (TLS, challenge, token)", "{:.0f}"),
    ("handshake_cpu_us", "CPU us a bare TLS handshake", "{:.0f}"),
    ("idle_bytes_small", "bytes an idle phone, {small} phones", "{:.0f}"),
    ("idle_bytes_large", "bytes an idle phone, {large} phones", "{:.0f}"),
    ("half_p50_us", "refresh at half load, p50 us", "{:.0f}"),
    ("half_p99_us", "refresh at half load, p99 us", "{:.0f}"),
    ("closed_rate", "refreshes a second, one core", "{:.0f}"),
    ("call_cpu_us", "CPU us a call (echo: 6.5 messages)", "{:.0f}"),
    ("call_p50_us", "INVITE to 200 at half load, p50 us", "{:.0f}"),
    ("call_p99_us", "INVITE to 200 at half load, p99 us", "{:.0f}"),
    ("call_rate", "calls a second, one core", "{:.0f}"),
    ("call_bytes", "bytes a held call", "{:.0f}"),
]
MICRO_ROWS = [
    ("register", "parse the reference REGISTER"),
    ("invite", "parse an INVITE with SDP"),
    ("verify_cold", "verify a token, cold"),
    ("verify_cached", "verify a token, cached"),
]
SERVERS = ("bearline", "echo", "kamailio")


def medians(rounds):
    """{server: {key: median}} and the widest relative spread, from a list of {server: {key: value}}."""
    out, spread = {}, 0.0
    for server in SERVERS:
        keys = {k for r in rounds for k in r.get(server, {})}
        out[server] = {}
        for key in keys:
            values = [r[server][key] for r in rounds if key in r.get(server, {})]
            middle = statistics.median(values)
            out[server][key] = middle
            if middle > 0 and not key.endswith("p99_us"):
                spread = max(spread, (max(values) - min(values)) / middle)
    return out, spread


def ratio(a, b):
    return f"{a / b:.2f}x" if a is not None and b else "-"


def cell(form, value):
    return "-" if value is None else form.format(value)


def table(middle, micro, stages):
    small, large = (f"{n:,}" for n in (stages[0], stages[-1]))
    lines = [f"{'':44}{'bearline':>10}{'echo':>10}{'ratio':>8}{'kamailio':>10}{'ratio':>8}"]
    for key, label, form in ROWS:
        ours, limit, peer = (middle[s].get(key) for s in SERVERS)
        lines.append(f"{label.format(small=small, large=large):44}{cell(form, ours):>10}"
                     f"{cell(form, limit):>10}{ratio(ours, limit):>8}{cell(form, peer):>10}"
                     f"{ratio(ours, peer):>8}")
    lines += ["", f"{'':44}{'ns':>10}{'allocs':>10}"]
    for key, label in MICRO_ROWS:
        found = micro.get(key, {})
        lines.append(f"{label:44}{cell('{:.0f}', found.get('ns')):>10}"
                     f"{cell('{:g}', found.get('allocs')):>10}")
    return "\n".join(lines)


def aims(middle, micro):
    """[(sentence, reached)]: reached is None when something it needs was not measured."""
    ours, limit = middle["bearline"], middle["echo"]
    parse = micro.get("register", {}).get("ns")
    verify = micro.get("verify_cold", {}).get("ns")
    verify_us = None if verify is None else verify / 1000

    def judge(sentence, value, bound, form="{:.2f}"):
        if value is None or bound is None:
            return f"{sentence}: not measured", None
        reached = value <= bound
        return (f"{sentence}: {form.format(value)} ({'reached' if reached else 'NOT reached'}, "
                f"at most {form.format(bound)})"), reached

    def share(value, base):
        return None if value is None or not base else value / base

    def plus(a, b):
        return None if a is None or b is None else a + b

    memory = [ours[k] for k in ("idle_bytes_small", "idle_bytes_large") if k in ours]
    return [
        judge("a refresh against the echo", share(ours.get("refresh_cpu_us"), limit.get("refresh_cpu_us")), 1.2),
        judge("a new phone against bare handshake plus token verify",
              share(ours.get("new_cpu_us"), plus(limit.get("handshake_cpu_us"), verify_us)), 1.15),
        judge("bytes of process memory a phone", max(memory) if len(memory) == 2 else None, 16000, "{:.0f}"),
        judge("ns to parse a reference REGISTER (2 million a second)", parse, 500, "{:.0f}"),
        judge("p50 of a refresh at half load against the echo's",
              share(ours.get("half_p50_us"), limit.get("half_p50_us")), 1.3),
        judge("a call against 6.5 echoes", share(ours.get("call_cpu_us"), limit.get("call_cpu_us")), 1.3),
    ]
