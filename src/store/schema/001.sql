-- The first shape of the store. Text keys compare without ASCII case. A subset of SQL that PostgreSQL
-- understands too, but for WITHOUT ROWID and COLLATE NOCASE (there: citext).
CREATE TABLE cfg_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);

CREATE TABLE cfg_param (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    value TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_node (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    host TEXT NOT NULL, addresses TEXT NOT NULL, description TEXT NOT NULL,
    priority INTEGER NOT NULL,
    port_sip INTEGER NOT NULL, port_sips INTEGER NOT NULL, port_oauth INTEGER NOT NULL,
    port_mra INTEGER NOT NULL, port_wss INTEGER NOT NULL, port_config_http INTEGER NOT NULL,
    port_config_https INTEGER NOT NULL, port_https INTEGER NOT NULL,
    port_ethernet INTEGER NOT NULL, port_mgcp_listen INTEGER NOT NULL,
    port_mgcp_keepalive INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_user (
    id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    first_name TEXT NOT NULL, last_name TEXT NOT NULL, display_name TEXT NOT NULL, email TEXT NOT NULL,
    password TEXT NOT NULL, digest_realm TEXT NOT NULL, digest_md5 TEXT NOT NULL,
    digest_sha256 TEXT NOT NULL, roles INTEGER NOT NULL, active INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_profile (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, phone_type TEXT NOT NULL, security INTEGER NOT NULL,
    authentication_mode TEXT NOT NULL, key_size INTEGER NOT NULL, key_order TEXT NOT NULL,
    ec_key_size INTEGER NOT NULL, tftp_encrypted INTEGER NOT NULL, oauth INTEGER NOT NULL,
    nonce_validity_s INTEGER NOT NULL, transport INTEGER NOT NULL, sip_phone_port INTEGER NOT NULL,
    digest INTEGER NOT NULL, exclude_digest_credentials INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1,
    CHECK (oauth = 0 OR (security = 3 AND transport = 3 AND digest = 0 AND tftp_encrypted = 0))
);

CREATE TABLE cfg_line (
    pattern TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    partition TEXT NOT NULL, description TEXT NOT NULL, alerting_name TEXT NOT NULL,
    display TEXT NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_device (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, product TEXT NOT NULL, model INTEGER NOT NULL,
    owner TEXT COLLATE NOCASE REFERENCES cfg_user (id),
    profile TEXT NOT NULL COLLATE NOCASE REFERENCES cfg_profile (name),
    mac TEXT NOT NULL, instance TEXT NOT NULL, client_cert TEXT NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX cfg_device_owner ON cfg_device (owner);
CREATE INDEX cfg_device_profile ON cfg_device (profile);

CREATE TABLE cfg_device_line (
    device TEXT NOT NULL COLLATE NOCASE REFERENCES cfg_device (name) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    pattern TEXT NOT NULL COLLATE NOCASE REFERENCES cfg_line (pattern),
    label TEXT NOT NULL, display TEXT NOT NULL, contact TEXT NOT NULL,
    PRIMARY KEY (device, idx)
);
CREATE INDEX cfg_device_line_pattern ON cfg_device_line (pattern);

CREATE TABLE cfg_edge (
    pkid TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    host_or_ip TEXT NOT NULL, description TEXT NOT NULL, x509_names TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_cert (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    unit TEXT NOT NULL, node TEXT NOT NULL, subject TEXT NOT NULL, chain_pem TEXT NOT NULL,
    key_pem TEXT NOT NULL, not_before_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_trust (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    store TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, issuer TEXT NOT NULL,
    pem TEXT NOT NULL, not_after_s INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_key (
    kid TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    use INTEGER NOT NULL, state INTEGER NOT NULL, alg TEXT NOT NULL,
    public_text TEXT NOT NULL, secret_text TEXT NOT NULL,
    created_s INTEGER NOT NULL, retire_at_s INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX cfg_key_current ON cfg_key (use) WHERE state = 2;

CREATE TABLE cfg_domain (
    name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, ours INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_issuer (
    iss TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL, audience TEXT NOT NULL, user_claim TEXT NOT NULL, scope TEXT NOT NULL,
    typ TEXT NOT NULL, jwks TEXT NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cfg_client (
    client_id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL, type INTEGER NOT NULL, secret_hash TEXT NOT NULL, redirect_uris TEXT NOT NULL,
    loopback INTEGER NOT NULL, scopes TEXT NOT NULL, enabled INTEGER NOT NULL,
    pkid TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE tok_grant (
    id TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    user TEXT NOT NULL COLLATE NOCASE, client_id TEXT NOT NULL COLLATE NOCASE,
    device TEXT NOT NULL COLLATE NOCASE, scope TEXT NOT NULL,
    created_s INTEGER NOT NULL, last_used_s INTEGER NOT NULL, expires_s INTEGER NOT NULL,
    revoked_s INTEGER NOT NULL DEFAULT 0, revoked_why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX tok_grant_user ON tok_grant (user);
CREATE INDEX tok_grant_client ON tok_grant (client_id);
CREATE INDEX tok_grant_device ON tok_grant (device);
CREATE INDEX tok_grant_expires ON tok_grant (expires_s);

CREATE TABLE tok_code (
    hash BLOB PRIMARY KEY NOT NULL,
    client_id TEXT NOT NULL, user TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
    scope TEXT NOT NULL, device TEXT NOT NULL, nonce TEXT NOT NULL, auth_time_s INTEGER NOT NULL,
    expires_s INTEGER NOT NULL, spent INTEGER NOT NULL DEFAULT 0, grant_id TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX tok_code_expires ON tok_code (expires_s);

CREATE TABLE tok_refresh (
    hash BLOB PRIMARY KEY NOT NULL,
    idx TEXT NOT NULL,
    grant_id TEXT NOT NULL COLLATE NOCASE REFERENCES tok_grant (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL, created_s INTEGER NOT NULL, expires_s INTEGER NOT NULL,
    spent_s INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX tok_refresh_grant ON tok_refresh (grant_id, generation);
CREATE INDEX tok_refresh_expires ON tok_refresh (expires_s);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_unix_ms INTEGER NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL, action TEXT NOT NULL,
    kind TEXT NOT NULL, key TEXT NOT NULL, result TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at_unix_ms);
