'use strict';
const assert = require('assert');
const Crowd = require('atlassian-crowd-client');
const User = require('atlassian-crowd-client/lib/models/user');
const Group = require('atlassian-crowd-client/lib/models/group');
const Attributes = require('atlassian-crowd-client/lib/models/attributes');
const ValidationFactors = require('atlassian-crowd-client/lib/models/validation-factors');

const access = JSON.parse(process.env.access);
const settings = password => ({baseUrl: access.crowd, nesting: true, application: {name: access.application, password}});

// recorded wraps all operations of a client, however deep, and notes in called
// which were used.
const known = new Set();
const called = new Set();
function recorded(part, path) {
  for (const key of Object.keys(part)) {
    const name = path + key;
    const value = part[key];
    if (typeof value === 'function') {
      known.add(name);
      part[key] = (...args) => { called.add(name); return value(...args); };
    } else {
      recorded(value, name + '.');
    }
  }
}
const crowd = new Crowd(settings(access.password));
for (const resource of ['user', 'group', 'authentication', 'search', 'session', 'config']) {
  recorded(crowd[resource], resource + '.');
}

let calls = 0;
// is awaits an operation's result and compares it; without a value any will do.
async function is(promise, ...want) {
  const got = await promise;
  if (want.length) assert.deepStrictEqual(got, want[0]);
  calls++;
  return got;
}
// fails awaits an operation's refusal for a reason.
async function fails(promise, type) {
  let error;
  await promise.catch(e => { error = e; });
  assert.ok(error, 'succeeds instead of ' + type);
  assert.strictEqual(error.type, type);
  calls++;
}

async function users() {
  const ann = await is(crowd.user.create(new User('Ann', 'Lind', 'Ann Lind', 'ann@example.com', 'ann+1@x/ä', 'secret')));
  assert.strictEqual(ann.username, 'ann+1@x/ä');
  const name = ann.username;
  await fails(crowd.user.create(new User('A', 'L', 'A L', 'a@example.com', 'ANN+1@x/ä', 'secret')), 'INVALID_USER');
  await fails(crowd.user.get('nobody'), 'USER_NOT_FOUND');
  ann.lastname = 'Berg';
  assert.strictEqual((await is(crowd.user.update(name, ann))).lastname, 'Berg');
  const attributes = new Attributes({team: 'red', numbers: [1, 2], deep: {a: true}});
  assert.deepStrictEqual((await is(crowd.user.attributes.set(name, attributes))).attributes.deep, {a: true});
  assert.deepStrictEqual((await is(crowd.user.attributes.list(name))).attributes.numbers, [1, 2]);
  await is(crowd.user.attributes.remove(name, 'team'));
  assert.strictEqual((await is(crowd.user.get(name, true))).attributes.team, undefined);
  await is(crowd.user.rename(name, 'ann'));
  await fails(crowd.user.get(name), 'USER_NOT_FOUND');
  assert.strictEqual((await is(crowd.user.attributes.set('ann', attributes))).attributes.team, 'red');
  await is(crowd.user.password.set('ann', 'better'));
  await is(crowd.user.password.reset('ann'), undefined);
  await is(crowd.user.username.request('ann@example.com'), undefined);
  await is(crowd.user.create(new User('Bob', 'Lind', 'Bob Lind', 'bob@example.com', 'bob', 'secret')));
}

async function groups() {
  for (const name of ['g1', 'g2', 'g3']) await is(crowd.group.create(new Group(name, 'one of three')));
  await fails(crowd.group.create(new Group('G1')), 'INVALID_GROUP');
  assert.strictEqual((await is(crowd.group.get('g1'))).description, 'one of three');
  assert.strictEqual((await is(crowd.group.update('g1', new Group('g1', 'first')))).description, 'first');
  await fails(crowd.group.update('g1', new Group('g2', 'first')), 'INVALID_GROUP');
  assert.strictEqual((await is(crowd.group.attributes.set('g1', new Attributes({a: 1, b: 2})))).attributes.b, 2);
  await is(crowd.group.attributes.remove('g1', 'a'));
  assert.deepStrictEqual((await is(crowd.group.attributes.list('g1'))).attributes, {b: 2});
  assert.strictEqual((await is(crowd.group.get('g1', true))).groupname, 'g1');
}

async function memberships() {
  await is(crowd.user.groups.add('ann', 'g1'));
  await fails(crowd.user.groups.add('ann', 'g1'), 'MEMBERSHIP_ALREADY_EXISTS');
  await is(crowd.group.users.add('g2', 'bob'));
  await is(crowd.group.users.add('g1', 'bob'));
  await is(crowd.user.groups.get('ann', 'g1'), 'g1');
  await is(crowd.group.users.get('g1', 'ann'), 'ann');
  await fails(crowd.group.users.get('g2', 'ann'), 'MEMBERSHIP_NOT_FOUND');
  await is(crowd.group.users.list('g1'), ['ann', 'bob']);
  assert.strictEqual((await is(crowd.group.users.list('g1', false, 0, 1, true)))[0].email, 'ann@example.com');
  await is(crowd.group.children.add('g1', 'g2'));
  await is(crowd.group.parents.add('g3', 'g2'));
  await is(crowd.group.children.list('g1'), ['g2']);
  await is(crowd.group.children.list('g1', true), ['g2', 'g3']);
  assert.strictEqual((await is(crowd.group.children.get('g1', 'g3', true))).name, 'g3');
  await is(crowd.group.parents.list('g3'), ['g2']);
  await is(crowd.group.parents.list('g3', true), ['g1', 'g2']);
  await is(crowd.group.parents.get('g3', 'g1', true), 'g1');
  await is(crowd.group.users.add('g3', 'ann'));
  await is(crowd.user.groups.list('ann', true), ['g1', 'g2', 'g3']);
  await is(crowd.user.groups.list('ann', false, 1, 1), ['g3']);
  await is(crowd.group.users.list('g2', true), ['ann', 'bob']);
  const dump = await is(crowd.group.membership());
  assert.ok(dump.includes('<membership group="g2"><users><user name="bob"/></users><groups><group name="g3"/></groups></membership>'), dump);
  await is(crowd.group.children.remove('g2', 'g3'));
  await fails(crowd.group.children.remove('g2', 'g3'), 'MEMBERSHIP_NOT_FOUND');
  await is(crowd.user.groups.remove('ann', 'g3'));
  await is(crowd.group.users.remove('g2', 'bob'));
  await fails(crowd.group.users.remove('g2', 'bob'), 'MEMBERSHIP_NOT_FOUND');
}

async function searches() {
  await is(crowd.search.user('firstName = "ann"'), ['ann']);
  await is(crowd.search.user('name = "*" and active = true'), ['ann', 'bob']);
  assert.strictEqual((await is(crowd.search.user('email = "bob*"', true)))[0].displayname, 'Bob Lind');
  await is(crowd.search.group('name = "g*"', false, 1, 1), ['g2']);
  assert.strictEqual((await is(crowd.search.group('name = g1', true)))[0].description, 'first');
  await fails(crowd.search.user('name ='), 'ILLEGAL_ARGUMENT');
}

async function sessions() {
  assert.strictEqual((await is(crowd.authentication.authenticate('ann', 'better'))).username, 'ann');
  await fails(crowd.authentication.authenticate('ann', 'secret'), 'INVALID_USER_AUTHENTICATION');
  const factors = new ValidationFactors({remote_address: '192.0.2.1'});
  const session = await is(crowd.session.create('ann', 'better', factors, 60));
  assert.strictEqual(session.expiresAt - session.createdAt, 60000);
  assert.strictEqual((await is(crowd.session.create('ann', 'better', factors))).token, session.token);
  await is(crowd.session.validate(session.token, factors));
  await fails(crowd.session.validate(session.token), 'INVALID_SSO_TOKEN');
  assert.strictEqual((await is(crowd.session.getUser(session.token))).username, 'ann');
  const other = await is(crowd.session.createUnvalidated('ann'));
  await is(crowd.session.removeAll('ann', session.token));
  await fails(crowd.session.getUser(other.token), 'INVALID_SSO_TOKEN');
  await is(crowd.session.remove(session.token));
  await fails(crowd.session.getUser(session.token), 'INVALID_SSO_TOKEN');
}

async function end() {
  assert.strictEqual((await is(crowd.config.cookie())).name, 'crowd.token_key');
  await is(crowd.group.remove('g1'));
  await is(crowd.user.remove('ann'));
  await fails(crowd.user.get('ann'), 'USER_NOT_FOUND');
  await fails(new Crowd(settings('wrong')).config.cookie(), 'APPLICATION_ACCESS_DENIED');
}

(async () => {
  for (const part of [users, groups, memberships, searches, sessions, end]) await part();
  const missing = [...known].filter(name => !called.has(name));
  assert.deepStrictEqual(missing, [], 'never called');
  console.log(`atlassian-crowd-client: ${known.size} operations, ${calls} calls, all as expected`);
})().catch(e => {
  console.error('FAILED:', e);
  process.exit(1);
});
