-- What calls need: settings of lines and devices, hunt groups, SIP trunks, route patterns, call detail
-- records.
ALTER TABLE cfg_line ADD COLUMN forward_all TEXT NOT NULL DEFAULT '';
ALTER TABLE cfg_line ADD COLUMN forward_busy TEXT NOT NULL DEFAULT '';
ALTER TABLE cfg_line ADD COLUMN forward_no_answer TEXT NOT NULL DEFAULT '';
ALTER TABLE cfg_line ADD COLUMN ring_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cfg_line ADD COLUMN busy_trigger INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cfg_device ADD COLUMN dnd INTEGER NOT NULL DEFAULT 0;

CREATE TABLE cfg_hunt_group (
    number TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, display TEXT NOT NULL, algorithm INTEGER NOT NULL,
    ring_s INTEGER NOT NULL, forward_no_answer TEXT NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_hunt_member (
    hunt_group TEXT NOT NULL COLLATE NOCASE REFERENCES cfg_hunt_group (number) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    line TEXT NOT NULL COLLATE NOCASE REFERENCES cfg_line (pattern),
    PRIMARY KEY (hunt_group, idx)
);
CREATE UNIQUE INDEX cfg_hunt_member_line ON cfg_hunt_member (line, hunt_group);

CREATE TABLE cfg_trunk (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, transport INTEGER NOT NULL,
    srtp_allowed INTEGER NOT NULL, peers TEXT NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1,
    CHECK (srtp_allowed = 0 OR transport = 3)
);

CREATE TABLE cfg_route_pattern (
    pattern TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL,
    line TEXT COLLATE NOCASE REFERENCES cfg_line (pattern),
    hunt_group TEXT COLLATE NOCASE REFERENCES cfg_hunt_group (number),
    trunk TEXT COLLATE NOCASE REFERENCES cfg_trunk (name),
    blocked INTEGER NOT NULL, discard INTEGER NOT NULL, prefix TEXT NOT NULL,
    canonical TEXT UNIQUE, literal TEXT,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX cfg_route_pattern_literal ON cfg_route_pattern (literal);
CREATE INDEX cfg_route_pattern_line ON cfg_route_pattern (line);
CREATE INDEX cfg_route_pattern_hunt_group ON cfg_route_pattern (hunt_group);
CREATE INDEX cfg_route_pattern_trunk ON cfg_route_pattern (trunk);

CREATE TABLE cdr (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    call TEXT NOT NULL, node TEXT NOT NULL,
    caller TEXT NOT NULL COLLATE NOCASE, caller_device TEXT NOT NULL,
    dialled TEXT NOT NULL COLLATE NOCASE, called TEXT NOT NULL COLLATE NOCASE,
    called_device TEXT NOT NULL, trunk_in TEXT NOT NULL, trunk_out TEXT NOT NULL,
    start_unix_ms INTEGER NOT NULL, answer_unix_ms INTEGER NOT NULL, end_unix_ms INTEGER NOT NULL,
    status INTEGER NOT NULL, cause INTEGER NOT NULL, reason TEXT NOT NULL, end_by INTEGER NOT NULL,
    encrypted INTEGER NOT NULL
);
CREATE INDEX cdr_end ON cdr (end_unix_ms);
CREATE INDEX cdr_start ON cdr (start_unix_ms);
CREATE INDEX cdr_caller ON cdr (caller);
CREATE INDEX cdr_dialled ON cdr (dialled);
CREATE INDEX cdr_called ON cdr (called);
