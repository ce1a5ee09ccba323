'use strict';
// Reads what .ci/conformance/schema prints, and holds the schema against the decoder.
const assert = require('assert');
const Ajv = require('ajv/dist/2020');
const formats = require('ajv-formats');

const [first, ...lines] = require('fs').readFileSync(0, 'utf8').trimEnd().split('\n');
const schema = JSON.parse(first);
const ajv = new Ajv({allErrors: true, strict: true, strictTypes: false, strictRequired: false});
formats(ajv);
assert(ajv.validateSchema(schema), 'the schema is none of draft 2020-12: ' + ajv.errorsText());
const valid = ajv.compile(schema);

let accepted = 0;
let refused = 0;
for (const line of lines) {
  const verdict = JSON.parse(line);
  const fits = valid(JSON.parse(verdict.document));
  const told = () => `${verdict.name}: schema: ${ajv.errorsText(valid.errors)}; Read: ${verdict.faults || 'accepted'}\n${verdict.document}`;
  if (verdict.accepted) {
    accepted++;
    assert(fits, 'Read takes what the schema refuses. ' + told());
  }
  if (verdict.malformed) {
    refused++;
    assert(!fits && !verdict.accepted, 'what is malformed is taken. ' + told());
  }
}
assert(accepted >= 100 && refused >= 600, `${accepted} documents were accepted and ${refused} malformed`);
console.log(`ajv: ${lines.length} documents, ${accepted} of them accepted and ${refused} malformed: the schema is what Read decodes`);
