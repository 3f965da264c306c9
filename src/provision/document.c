#include "provision/document.h"
#include "xml/writer.h"

/* The reference's documents use the prefixes xsi and axl without declaring them, which a parser that
 * knows namespaces refuses. They are declared here: whoever reads names as written sees the same
 * document, everyone else sees a valid one. */
#define XSI "http://www.w3.org/2001/XMLSchema-instance"
#define AXL "http://www.cisco.com/AXL/API/1.0"

enum { CALLS_DEFAULT = 4, BUSY_TRIGGER_DEFAULT = 2 };

/* Elements whose text is the same in every document. */
struct leaf {
    const char *name, *text;
};

#define PUT_LEAVES(w, leaves) put_leaves((w), (leaves), sizeof(leaves) / sizeof((leaves)[0]))
static void put_leaves(struct xml_writer *w, const struct leaf *leaves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        xml_leaf(w, leaves[i].name, str_from(leaves[i].text));
}

static void put_uuid_attr(struct xml_writer *w, struct str uuid)
{
    char text[48];
    struct buf braced;
    if (uuid.n == 0) return;
    buf_init_fixed(&braced, text, sizeof text);
    buf_put_char(&braced, '{');
    buf_put_str(&braced, uuid);
    buf_put_char(&braced, '}');
    if (buf_rc(&braced) == RC_OK) xml_put_attr(w, "uuid", buf_str(&braced));
}

static void put_index_attr(struct xml_writer *w, const char *name, size_t index)
{
    char text[24];
    struct buf digits;
    buf_init_fixed(&digits, text, sizeof text);
    buf_put_u64(&digits, index);
    xml_put_attr(w, name, buf_str(&digits));
}

static void put_preamble(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"fullConfig", "true"},
        {"portalDefaultServer", ""},
        {"deviceProtocol", "SIP"},
        {"sshUserId", ""},
        {"sshPassword", ""},
        {"ipAddressMode", "0"},
        {"allowAutoConfig", "true"},
        {"dadEnable", "true"},
        {"redirectEnable", "false"},
        {"echoMultiEnable", "false"},
        {"ipPreferenceModeControl", "0"},
        {"ipMediaAddressFamilyPreference", "0"},
    };
    PUT_LEAVES(w, leaves);
}

static void put_mlpp(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"mlppDomainId", "000000"},
        {"mlppIndicationStatus", "Off"},
        {"preemption", "Disabled"},
        {"executiveOverridePreemptable", "false"},
    };
    xml_open(w, "tzdata");
    xml_leaf(w, "tzolsonversion", STR(""));
    xml_leaf(w, "tzupdater", STR(""));
    xml_close(w);
    PUT_LEAVES(w, leaves);
}

/* --- devicePool ---------------------------------------------------------------------------------
 */

static void put_date_time(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"name", "CMLocal"},
        {"dateTemplate", "Y-M-D"},
        {"timeZone", "GMT Standard/Daylight Time"},
        {"olsonTimeZone", "Etc/UTC"},
        {"ntps", ""},
    };
    xml_open(w, "dateTimeSetting");
    PUT_LEAVES(w, leaves);
    xml_close(w);
}

static void put_member(struct xml_writer *w, const struct provision_node *node, size_t priority)
{
    xml_open(w, "member");
    put_index_attr(w, "priority", priority);
    xml_open(w, "callManager");
    xml_leaf(w, "name", node->name);
    xml_leaf(w, "description", node->description);
    xml_open(w, "ports");
    xml_leaf_u64(w, "ethernetPhonePort", node->ethernet_port);
    xml_leaf_u64(w, "sipPort", node->sip_port);
    xml_leaf_u64(w, "securedSipPort", node->secure_port);
    xml_leaf_u64(w, "sipOAuthPort", node->oauth_port);
    xml_leaf_u64(w, "sipMRAOAuthPort", node->mra_oauth_port);
    xml_open(w, "mgcpPorts");
    xml_leaf_u64(w, "listen", node->mgcp_listen_port);
    xml_leaf_u64(w, "keepAlive", node->mgcp_keepalive_port);
    xml_close(w); /* mgcpPorts */
    xml_close(w); /* ports */
    xml_leaf(w, "processNodeName", node->name);
    xml_close(w); /* callManager */
    xml_close(w); /* member */
}

/* No survivable gateway stands in for the nodes. */
static void put_srst(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"name", "Disable"},   {"srstOption", "Disable"}, {"userModifiable", "false"},
        {"ipAddr1", ""},       {"port1", "2000"},         {"ipAddr2", ""},
        {"port2", "2000"},     {"ipAddr3", ""},           {"port3", "2000"},
        {"sipIpAddr1", ""},    {"sipPort1", "5060"},      {"sipIpAddr2", ""},
        {"sipPort2", "5060"},  {"sipIpAddr3", ""},        {"sipPort3", "5060"},
        {"isSecure", "false"},
    };
    xml_open(w, "srstInfo");
    PUT_LEAVES(w, leaves);
    xml_close(w);
}

static void put_pool(struct xml_writer *w, const struct provision_document *doc)
{
    xml_open(w, "devicePool");
    put_uuid_attr(w, doc->pool_uuid);
    xml_leaf_u64(w, "revertPriority", 0);
    xml_leaf(w, "name", doc->pool_name);
    put_date_time(w);
    xml_open(w, "callManagerGroup");
    xml_leaf(w, "name", doc->group_name);
    xml_leaf_bool(w, "tftpDefault", true);
    xml_open(w, "members");
    for (size_t i = 0; i < doc->node_count && i < PROVISION_NODE_MAX; i++)
        put_member(w, &doc->nodes[i], i);
    xml_close(w); /* members */
    xml_close(w); /* callManagerGroup */
    put_srst(w);
    xml_leaf_u64(w, "connectionMonitorDuration", doc->monitor_s);
    xml_close(w);
}

/* --- sipProfile -----------------------------------------------------------------------------------
 */

static void put_proxies(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"backupProxy", "USECALLMANAGER"},    {"backupProxyPort", "5060"},
        {"emergencyProxy", "USECALLMANAGER"}, {"emergencyProxyPort", "5060"},
        {"outboundProxy", "USECALLMANAGER"},  {"outboundProxyPort", "5060"},
        {"registerWithProxy", "true"},
    };
    xml_open(w, "sipProxies");
    PUT_LEAVES(w, leaves);
    xml_close(w);
}

static void put_call_features(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"cnfJoinEnabled", "true"},
        {"callForwardURI", "x-cisco-serviceuri-cfwdall"},
        {"callPickupURI", "x-cisco-serviceuri-pickup"},
        {"callPickupListURI", "x-cisco-serviceuri-opickup"},
        {"callPickupGroupURI", "x-cisco-serviceuri-gpickup"},
        {"meetMeServiceURI", "x-cisco-serviceuri-meetme"},
        {"abbreviatedDialURI", "x-cisco-serviceuri-abbrdial"},
        {"rfc2543Hold", "false"},
        {"callHoldRingback", "2"},
        {"localCfwdEnable", "true"},
        {"semiAttendedTransfer", "true"},
        {"anonymousCallBlock", "2"},
        {"callerIdBlocking", "2"},
        {"dndControl", "0"},
        {"remoteCcEnable", "true"},
        {"retainForwardInformation", "false"},
    };
    xml_open(w, "sipCallFeatures");
    PUT_LEAVES(w, leaves);
    xml_close(w);
}

static void put_stack(struct xml_writer *w, const struct provision_document *doc)
{
    xml_open(w, "sipStack");
    xml_leaf_u64(w, "sipInviteRetx", 6);
    xml_leaf_u64(w, "sipRetx", 10);
    xml_leaf_u64(w, "timerInviteExpires", 180);
    xml_leaf_u64(w, "timerRegisterExpires", doc->register_s);
    xml_leaf_u64(w, "timerRegisterDelta", doc->register_delta_s);
    xml_leaf_u64(w, "timerKeepAliveExpires", doc->keepalive_s);
    xml_leaf_u64(w, "timerSubscribeExpires", 120);
    xml_leaf_u64(w, "timerSubscribeDelta", 5);
    xml_leaf_u64(w, "timerT1", 500);
    xml_leaf_u64(w, "timerT2", 4000);
    xml_leaf_u64(w, "maxRedirects", 70);
    xml_leaf_bool(w, "remotePartyID", true);
    xml_leaf(w, "userInfo", STR("None"));
    xml_close(w);
}

static void put_forward_display(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"callerName", "true"},
        {"callerNumber", "false"},
        {"redirectedNumber", "false"},
        {"dialedNumber", "true"},
    };
    xml_open(w, "forwardCallInfoDisplay");
    PUT_LEAVES(w, leaves);
    xml_close(w);
}

static void put_line(struct xml_writer *w, const struct provision_line *line)
{
    static const struct leaf lamps[] = {
        {"callWaiting", "3"},        {"sharedLine", "false"}, {"messageWaitingLampPolicy", "3"},
        {"messageWaitingAMWI", "0"}, {"messagesNumber", ""},  {"ringSettingIdle", "4"},
        {"ringSettingActive", "5"},
    };
    xml_open(w, "line");
    put_index_attr(w, "button", line->index);
    put_index_attr(w, "lineIndex", line->index);
    xml_leaf_u64(w, "featureID", 9);
    xml_leaf(w, "featureLabel", line->label.n ? line->label : line->number);
    xml_leaf(w, "proxy", STR("USECALLMANAGER"));
    xml_leaf_u64(w, "port", 5060);
    xml_leaf(w, "name", line->number);
    xml_leaf(w, "displayName", line->display_name);
    xml_open(w, "autoAnswer");
    xml_leaf_u64(w, "autoAnswerEnabled", 0);
    xml_close(w);
    PUT_LEAVES(w, lamps);
    xml_leaf(w, "contact", line->contact);
    put_forward_display(w);
    uint64_t busy_trigger = line->busy_trigger > 0 ? line->busy_trigger : BUSY_TRIGGER_DEFAULT;
    xml_leaf_u64(w, "maxNumCalls", busy_trigger > CALLS_DEFAULT ? busy_trigger : CALLS_DEFAULT);
    xml_leaf_u64(w, "busyTrigger", busy_trigger);
    xml_close(w);
}

static void put_sip_profile(struct xml_writer *w, const struct provision_document *doc)
{
    static const struct leaf before_lines[] = {
        {"autoAnswerTimer", "1"},       {"autoAnswerAltBehavior", "false"},
        {"autoAnswerOverride", "true"}, {"transferOnhookEnabled", "false"},
        {"enableVad", "false"},         {"preferredCodec", "none"},
        {"dtmfAvtPayload", "101"},      {"dtmfDbLevel", "3"},
        {"dtmfOutofBand", "avt"},       {"kpml", "3"},
    };
    static const struct leaf media[] = {
        {"stutterMsgWaiting", "0"},
        {"callStats", "true"},
        {"offhookToFirstDigitTimer", "15000"},
        {"T302Timer", "15000"},
        {"startMediaPort", "16384"},
        {"stopMediaPort", "32766"},
        {"startVideoPort", "0"},
        {"stopVideoPort", "0"},
    };
    static const struct leaf after_lines[] = {
        {"voipControlPort", "5060"},
        {"dscpForAudio", "184"},
        {"ringSettingBusyStationPolicy", "0"},
        {"dialTemplate", ""},
        {"softKeyFile", ""},
        {"alwaysUsePrimeLine", "false"},
        {"alwaysUsePrimeLineVoiceMail", "false"},
    };
    xml_open(w, "sipProfile");
    put_proxies(w);
    put_call_features(w);
    put_stack(w, doc);
    PUT_LEAVES(w, before_lines);
    xml_leaf(w, "phoneLabel", doc->description);
    PUT_LEAVES(w, media);
    xml_open(w, "sipLines");
    for (size_t i = 0; i < doc->line_count && i < PROVISION_LINE_MAX; i++)
        put_line(w, &doc->lines[i]);
    xml_close(w);
    xml_leaf(w, "externalNumberMask", doc->line_count ? doc->lines[0].external_mask : STR(""));
    PUT_LEAVES(w, after_lines);
    xml_close(w);
}

/* --- the rest ------------------------------------------------------------------------------------
 */

static void put_common(struct xml_writer *w)
{
    xml_leaf_u64(w, "MissedCallLoggingOption", 1);
    xml_open(w, "commonProfile");
    xml_leaf(w, "phonePassword", STR(""));
    xml_leaf_bool(w, "backgroundImageAccess", true);
    xml_leaf_u64(w, "callLogBlfEnabled", 2);
    xml_close(w);
    xml_leaf(w, "loadInformation", STR(""));
    xml_leaf(w, "inactiveLoadInformation", STR(""));
    xml_leaf(w, "vendorConfig", STR(""));
    xml_leaf(w, "commonConfig", STR(""));
    xml_leaf(w, "enterpriseConfig", STR(""));
}

static void put_locale(struct xml_writer *w)
{
    static const struct leaf leaves[] = {
        {"name", "English_United_States"}, {"uid", "1"}, {"langCode", "en_US"}, {"version", ""},
        {"winCharSet", "iso-8859-1"},
    };
    xml_open(w, "userLocale");
    PUT_LEAVES(w, leaves);
    xml_close(w);
    xml_leaf(w, "networkLocale", STR("United_States"));
    xml_open(w, "networkLocaleInfo");
    xml_leaf(w, "name", STR("United_States"));
    xml_leaf_u64(w, "uid", 64);
    xml_leaf(w, "version", STR(""));
    xml_close(w);
}

static void put_services(struct xml_writer *w)
{
    static const struct leaf urls[] = {
        {"idleTimeout", "0"},
        {"authenticationURL", ""},
        {"directoryURL", ""},
        {"idleURL", ""},
        {"informationURL", ""},
        {"messagesURL", ""},
        {"proxyServerURL", ""},
        {"servicesURL", ""},
        {"dscpForSCCPPhoneConfig", "96"},
        {"dscpForSCCPPhoneServices", "0"},
        {"dscpForCm2Dvce", "96"},
    };
    PUT_LEAVES(w, urls);
}

static void put_security(struct xml_writer *w, const struct provision_document *doc)
{
    static const struct leaf leaves[] = {
        {"dialToneSetting", "2"},
        {"dndCallAlert", "5"},
        {"phonePersonalization", "0"},
        {"rollover", "0"},
        {"singleButtonBarge", "0"},
        {"joinAcrossLines", "0"},
        {"capfAuthMode", "0"},
        {"capfList", ""},
        {"certHash", ""},
        {"encrConfig", "false"},
        {"advertiseG722Codec", "1"},
        {"TLSResumptionTimer", "3600"},
    };
    xml_leaf_u64(w, "transportLayerProtocol", (uint64_t)doc->transport);
    PUT_LEAVES(w, leaves);
}

static void put_phone_services(struct xml_writer *w)
{
    xml_open(w, "phoneServices");
    xml_put_attr(w, "useHTTPS", STR("true"));
    xml_leaf_u64(w, "provisioning", 0);
    xml_close(w);
}

static void put_user(struct xml_writer *w, const char *name, struct str user)
{
    xml_open(w, name);
    if (user.n > 0) xml_put_text(w, user);
    xml_close(w);
}

enum rc provision_print(struct buf *out, const struct provision_document *doc)
{
    struct xml_writer w;
    xml_writer_init(&w, out, 1);
    xml_open(&w, "device");
    xml_put_attr(&w, "xmlns:xsi", STR(XSI));
    xml_put_attr(&w, "xmlns:axl", STR(AXL));
    xml_put_attr(&w, "xsi:type", STR("axl:XIPPhone"));
    put_index_attr(&w, "ctiid", doc->ctiid);
    put_uuid_attr(&w, doc->device_uuid);
    put_preamble(&w);
    put_mlpp(&w);
    put_pool(&w, doc);
    xml_open(&w, "TVS");
    xml_leaf(&w, "members", STR(""));
    xml_close(&w);
    put_sip_profile(&w, doc);
    put_common(&w);
    xml_leaf(&w, "versionStamp", doc->version_stamp);
    put_locale(&w);
    xml_leaf_u64(&w, "deviceSecurityMode", (uint64_t)doc->security);
    put_services(&w);
    put_security(&w, doc);
    put_user(&w, "userId", doc->user);
    put_user(&w, "ownerId", doc->user);
    put_phone_services(&w);
    xml_leaf_u64(&w, "sipOAuthMode", doc->is_oauth ? 1 : 0);
    return xml_writer_finish(&w);
}
