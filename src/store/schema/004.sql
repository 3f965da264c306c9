-- What an edge must remember: call servers it serves, the edges it is paired with, paths it lets in.
CREATE TABLE cfg_ucm (
    address TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, port INTEGER NOT NULL, username TEXT NOT NULL, password TEXT NOT NULL,
    tls_verify INTEGER NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_peer (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, role INTEGER NOT NULL, host TEXT NOT NULL,
    sip_port INTEGER NOT NULL, tunnel_port INTEGER NOT NULL, media_port INTEGER NOT NULL,
    ca_pem TEXT NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_allow (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, url TEXT NOT NULL, is_prefix INTEGER NOT NULL, methods TEXT NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);
