'use strict';
// A SCIM server that others wrote is the source of imports into the fake Crowd.
const assert = require('assert');
const {execFile} = require('child_process');
const {promisify} = require('util');
const express = require('express');
const scimmy = require('scimmy');
const routers = require('scimmy-routers');
const SCIMMY = scimmy.default || scimmy;
const SCIMMYRouters = routers.default || routers;

const access = JSON.parse(process.env.access);
const token = 'of-scimmy';
const users = new Map();
const groups = new Map();
let requests = 0;
let broken = () => null; // an error for a request, if it returns one

// egress returns what SCIMMY asks for of a map: one resource, or all of them, of which
// it takes the page itself.
const egress = map => resource => {
  if (!resource.id) return resource.filter ? resource.filter.match([...map.values()]) : [...map.values()];
  const found = map.get(resource.id);
  if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
  return found;
};
SCIMMY.Resources.declare(SCIMMY.Resources.User).egress(egress(users));
SCIMMY.Resources.declare(SCIMMY.Resources.Group).egress(egress(groups));

const app = express();
app.use((request, response, next) => {
  requests++;
  const status = broken(request);
  if (status) response.status(status).json({schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail: 'out of order'});
  else next();
});
app.use('/scim', new SCIMMYRouters({
  type: 'bearer',
  handler: request => {
    if (request.header('Authorization') !== `Bearer ${token}`) throw new Error('who are you?');
    return 'importer';
  },
}));

function add(n, more = {}) {
  users.set(`u${n}`, {
    id: `u${n}`, externalId: `foreign-${n}`, userName: `user${n}@example.com`, active: true, displayName: `User ${n}`,
    name: {givenName: 'User', familyName: String(n)}, emails: [{value: `user${n}@example.com`, type: 'work', primary: true}],
    meta: {created: new Date(), lastModified: new Date()}, ...more,
  });
}
const member = n => ({value: `u${n}`, display: `User ${n}`});
function group(id, name, ...members) {
  groups.set(id, {id, displayName: name, members: members.map(member), meta: {created: new Date(), lastModified: new Date()}});
}

// crowd asks the fake.
async function crowd(resource, method = 'GET', body) {
  const response = await fetch(`${access.crowd}/rest/usermanagement/1/${resource}`, {
    method, body: body && JSON.stringify(body),
    headers: {
      Authorization: 'Basic ' + Buffer.from(`${access.application}:${access.password}`).toString('base64'),
      Accept: 'application/json', 'Content-Type': 'application/json',
    },
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${resource}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}
const membersOf = async name => (await crowd(`group/user/direct?groupname=${name}`)).users.map(u => u.name).sort();

(async () => {
  const server = await new Promise(resolve => { const s = app.listen(0, '127.0.0.1', () => resolve(s)); });
  const url = `http://127.0.0.1:${server.address().port}/scim`;
  const run = async (...flags) => {
    const {stdout} = await promisify(execFile)(process.env.importer, ['--url', url, ...flags], {env: {...process.env, token}});
    return JSON.parse(stdout);
  };

  for (let n = 1; n <= 25; n++) add(n);
  add(26, {active: false});
  group('g1', 'developers', 1, 2, 3, 26);
  group('g2', 'testers', 25);
  await crowd('user', 'POST', {name: 'USER1@example.com', 'first-name': 'User', 'last-name': '1', 'display-name': 'One', email: 'user1@example.com', active: true, password: {value: 'secret'}});
  await crowd('user', 'POST', {name: 'two', 'first-name': 'User', 'last-name': '2', 'display-name': 'Two', email: 'user2@example.com', active: true, password: {value: 'secret'}});

  let r = await run();
  assert.strictEqual(r.Early, '');
  assert.strictEqual(r.Users, 26);
  assert.strictEqual(r.Outcomes.filter(o => o.startsWith('create user')).length, 23);
  assert.deepStrictEqual(r.Outcomes.filter(o => !o.startsWith('create user')).sort(), [
    'create group "developers": the connection has no such group',
    'create group "testers": the connection has no such group',
    'link user "user1@example.com": has the same name',
    'link user "user2@example.com": has the same e-mail address',
    'skip member "user26@example.com" of "developers": the user was passed over',
    'skip user "user26@example.com": is not active at the identity provider',
  ]);
  assert.deepStrictEqual(await membersOf('developers'), ['user1@example.com', 'user2@example.com', 'user3@example.com']);
  assert.strictEqual((await crowd('user?username=user7@example.com'))['display-name'], 'User 7');
  assert.deepStrictEqual(r.Differences, null);

  r = await run('--size', '7');
  assert.strictEqual(r.Steps, 0, 'the second import has something to do');
  assert.strictEqual(r.Unchanged, 27);

  users.get('u3').displayName = 'Drei';
  users.delete('u25');
  group('g1', 'engineers', 1, 4);
  group('g2', 'testers');
  r = await run('--leavers');
  assert.deepStrictEqual(r.Outcomes.filter(o => !o.startsWith('skip')), [
    'update user "user3@example.com": has the identity provider\'s id on record',
    'update group "engineers": the connection has the group',
    'update group "testers": the connection has the group',
    'deactivate user "user25@example.com": the identity provider does not have the user',
  ]);
  assert.deepStrictEqual(await membersOf('engineers'), ['user1@example.com', 'user4@example.com']);
  assert.deepStrictEqual(await membersOf('testers'), []);
  assert.strictEqual((await crowd('user?username=user25@example.com')).active, false);
  assert.deepStrictEqual(r.Differences, null);

  // A list that breaks off, and one that shrinks on the way: nobody counts as gone.
  broken = request => request.query.startIndex === '11' ? 403 : null;
  r = await run('--leavers');
  assert.match(r.Early, /list Users: status 403: out of order/);
  assert.deepStrictEqual([r.Users, r.Steps], [10, 0]);
  broken = request => { if (request.query.startIndex === '11') users.delete('u24'); };
  r = await run('--leavers');
  assert.match(r.Early, /the total changed from 25 to 24 on the way/);
  assert.strictEqual(r.Steps, 0);
  assert.strictEqual((await crowd('user?username=user24@example.com')).active, true);
  broken = () => null;

  r = await run('--filter', 'userName eq "user5@example.com"');
  assert.deepStrictEqual([r.Users, r.Steps, r.Early], [1, 0, '']);
  server.close();
  console.log(`scimmy-routers: 6 imports in ${requests} requests, all as expected`);
})().catch(e => {
  console.error('FAILED:', e);
  process.exit(1);
});
