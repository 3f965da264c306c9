-- What "run sql" shows: the reference's table and column names over our tables. Whatever a view
-- reads here becomes readable there, so no secret may ever stand in one.
CREATE VIEW processconfig AS
    SELECT name AS paramname, value AS paramvalue FROM cfg_param;

CREATE VIEW expresswaycconfiguration AS
    SELECT pkid, host_or_ip AS hostnameorip, description, x509_names AS x509subjectnameoraltname
    FROM cfg_edge;

CREATE VIEW securityprofile AS
    SELECT pkid, name, description, security AS tkdevicesecuritymode, transport AS tktransport,
           oauth AS sipoauthflag, digest AS enabledigestauth, tftp_encrypted AS encryptedconfig,
           nonce_validity_s AS noncevaliditytime, sip_phone_port AS sipphoneport, version AS versionstamp
    FROM cfg_profile;

CREATE VIEW enduser AS
    SELECT pkid, id AS userid, first_name AS firstname, last_name AS lastname,
           display_name AS displayname, email AS mailid, active AS status, version AS versionstamp
    FROM cfg_user;

CREATE VIEW device AS
    SELECT d.pkid AS pkid, d.name AS name, d.description AS description, d.model AS tkmodel,
           u.pkid AS fkenduser, p.pkid AS fksecurityprofile, d.enabled AS isactive,
           d.version AS versionstamp
    FROM cfg_device d LEFT JOIN cfg_user u ON u.id = d.owner LEFT JOIN cfg_profile p ON p.name = d.profile;

CREATE VIEW numplan AS
    SELECT pkid, pattern AS dnorpattern, description, alerting_name AS alertingname,
           NULLIF(partition, '') AS fkroutepartition, version AS versionstamp
    FROM cfg_line;

CREATE VIEW devicenumplanmap AS
    SELECT m.contact AS pkid, d.pkid AS fkdevice, l.pkid AS fknumplan, m.idx AS numplanindex,
           m.label AS label, m.display AS display
    FROM cfg_device_line m JOIN cfg_device d ON d.name = m.device JOIN cfg_line l ON l.pattern = m.pattern;

CREATE VIEW enduserdevicemap AS
    SELECT d.pkid AS pkid, u.pkid AS fkenduser, d.pkid AS fkdevice
    FROM cfg_device d JOIN cfg_user u ON u.id = d.owner;

CREATE VIEW processnode AS
    SELECT pkid, host AS name, description, priority + 1 AS nodeid FROM cfg_node;

CREATE VIEW callmanager AS
    SELECT pkid, name, description, pkid AS fkprocessnode, port_ethernet AS ethernetphoneport,
           port_mgcp_listen AS mgcplistenport, port_mgcp_keepalive AS mgcpkeepaliveport,
           port_sip AS sipphoneport, port_sips AS sipphonesecureport, port_oauth AS sipoauthport,
           port_mra AS sipoauthmraport
    FROM cfg_node;

CREATE VIEW refreshtokendetails AS
    SELECT g.id AS pkid, r.idx AS refreshtokenindex, g.user AS userid, g.client_id AS clientid,
           r.expires_s AS validity, CASE WHEN g.revoked_s <> 0 THEN 'revoked'
               WHEN r.spent_s <> 0 THEN 'used' ELSE 'active' END AS state
    FROM tok_refresh r JOIN tok_grant g ON g.id = r.grant_id;

CREATE VIEW typemodel AS
    SELECT column1 AS enum, column2 AS name, column3 AS moniker FROM (VALUES
        (503, 'Cisco Unified Client Services Framework', 'MODEL_CSF'),
        (562, 'Cisco Dual Mode for iPhone', 'MODEL_TCT'),
        (575, 'Cisco Dual Mode for Android', 'MODEL_BOT'),
        (652, 'Cisco Jabber for Tablet', 'MODEL_TAB'),
        (437, 'Cisco 7975', 'MODEL_7975'), (592, 'Cisco 3905', 'MODEL_3905'),
        (621, 'Cisco 7821', 'MODEL_7821'), (684, 'Cisco 8851', 'MODEL_8851'),
        (336, 'Third-party SIP Device (Basic)', 'MODEL_SIP_BASIC'),
        (374, 'Third-party SIP Device (Advanced)', 'MODEL_SIP_ADVANCED'),
        (30016, 'Cisco IP Communicator', 'MODEL_IP_COMMUNICATOR'));

CREATE VIEW typedevicesecuritymode AS
    SELECT column1 AS enum, column2 AS name FROM (VALUES
        (1, 'Non Secure'), (2, 'Authenticated'), (3, 'Encrypted'));
