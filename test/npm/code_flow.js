// The authorization code flow with PKCE by the npm package openid-client, as a native program does it:
// discovery, authorize, the code, tokens, ID token checked against the key set, refresh, revocation.
// usage: NODE_EXTRA_CA_CERTS=ca.pem node code_flow.js ISSUER USER   (the password on standard input)
// Prints one JSON object with what the test wants to see.
'use strict';
const fs = require('node:fs');
const https = require('node:https');
const { Issuer, generators } = require('openid-client');

const [issuerUrl, user] = process.argv.slice(2);
const password = fs.readFileSync(0, 'utf8').trimEnd();

// A browser, as far as a sign-in page needs one: it fetches, keeps cookies, does not follow redirects.
function fetchPage(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const unescape = (s) => s.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

async function signIn(url) {
  const page = await fetchPage(url);
  const action = unescape(/<form[^>]*action="([^"]*)"/.exec(page.text)[1]);
  const fields = new URLSearchParams({ username: user, password });
  for (const [input] of page.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g))
    fields.set(/name="([^"]*)"/.exec(input)[1], unescape(/value="([^"]*)"/.exec(input)[1]));
  const sent = await fetchPage(new URL(action, url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: page.headers['set-cookie'][0].split(';')[0] },
    body: fields.toString(),
  });
  if (sent.status !== 303) throw new Error(`sign-in answered ${sent.status}`);
  return sent.headers.location;
}

async function main() {
  const issuer = await Issuer.discover(issuerUrl);
  const redirectUri = 'http://127.0.0.1:40999/callback';
  const client = new issuer.Client({
    client_id: 'bearline-phone', redirect_uris: [redirectUri], response_types: ['code'],
    token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256',
  });
  const verifier = generators.codeVerifier(), state = generators.state(), nonce = generators.nonce();
  const url = client.authorizationUrl({
    scope: 'openid offline_access sip', state, nonce,
    code_challenge: generators.codeChallenge(verifier), code_challenge_method: 'S256',
  });
  const parameters = client.callbackParams(await signIn(url));
  const tokens = await client.callback(redirectUri, parameters, { code_verifier: verifier, state, nonce });
  const refreshed = await client.refresh(tokens.refresh_token);
  const out = {
    issuer: issuer.issuer, subject: tokens.claims().sub, scope: tokens.scope,
    access_token: refreshed.access_token, rotated: refreshed.refresh_token !== tokens.refresh_token,
  };
  await client.revoke(refreshed.refresh_token);
  out.after_revocation = await client.refresh(refreshed.refresh_token).then(() => 'refreshed', (e) => e.error);
  console.log(JSON.stringify(out));
}

main().catch((e) => { console.error(e); process.exit(1); });
