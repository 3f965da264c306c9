// An edge's round through AXL by the npm package cisco-axl: nodes, ports, its own row added, changed,
// listed, read, removed, and a question in SQL.
// usage: NODE_EXTRA_CA_CERTS=ca.pem node axl.js HOST:PORT USER VERSION   (the password on standard input)
// Prints one JSON object: the answers by operation; "error" holds a fault that was asked for.
'use strict';
const fs = require('node:fs');
const axlService = require('cisco-axl');

const [address, user, version] = process.argv.slice(2);
const password = fs.readFileSync(0, 'utf8').trimEnd();
// The package puts :8443/axl/ behind the host; behind a '?' that is a query nobody reads.
const service = new axlService(`${address}/axl/?`, user, password, version);

const listed = { returnedTags: { name: '', description: '' } };
const edge = { HostNameOrIP: 'exp-c', description: 'this is added through axl', X509SubjectNameorSubjectAlternateName: 'exp-c.example.com,exp-c' };

async function main() {
  const out = {};
  const ask = async (operation, tags) => { out[operation] = await service.executeOperation(operation, tags); };
  await ask('getCCMVersion', {});
  await ask('listProcessNode', { searchCriteria: { name: '%' }, ...listed });
  await ask('listCallManager', { searchCriteria: { name: '%' }, ...listed });
  await ask('getCallManager', { name: 'ucm1' });
  await ask('addExpresswayCConfiguration', { expresswayCConfiguration: edge });
  await ask('updateExpresswayCConfiguration', { HostNameOrIP: 'exp-c', X509SubjectNameorSubjectAlternateName: 'exp-c,exp-d' });
  await ask('listExpresswayCConfiguration', { searchCriteria: { HostNameOrIP: 'exp%' }, returnedTags: { HostNameOrIP: '', X509SubjectNameorSubjectAlternateName: '' } });
  await ask('getExpresswayCConfiguration', { HostNameOrIP: 'exp-c' });
  await ask('executeSQLQuery', { sql: "select paramname, paramvalue from processconfig where paramname = 'ClusterSIPOAuthMode'" });
  await ask('removeExpresswayCConfiguration', { HostNameOrIP: 'exp-c' });
  try {
    await service.executeOperation('getExpresswayCConfiguration', { HostNameOrIP: 'exp-c' });
  } catch (fault) {
    out.error = fault;
  }
  console.log(JSON.stringify(out));
}

main().catch((e) => { console.error(e instanceof Error ? e.stack : JSON.stringify(e)); process.exit(1); });
