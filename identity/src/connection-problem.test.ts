import { expect, test } from 'vitest';
import { connectionProblem } from './connection-problem.ts';
import { IdentityError } from './identity-error.ts';

/** As grpc-js 1.14 says it on Node 24. */
function fromGrpc(text: string): Error {
  const details = `No connection established. Last error: ${text}. Resolution note: `;
  return Object.assign(new Error(`14 UNAVAILABLE: ${details}`), { code: 14, details });
}

function fromNode(code: string): Error {
  return Object.assign(new Error('something'), { code });
}

test.each([
  ['CELL_E_UNTRUSTED', fromGrpc('Error: self-signed certificate in certificate chain')],
  ['CELL_E_UNTRUSTED', fromNode('SELF_SIGNED_CERT_IN_CHAIN')],
  ['CELL_E_UNTRUSTED', fromNode('DEPTH_ZERO_SELF_SIGNED_CERT')],
  ['CELL_E_UNTRUSTED', fromGrpc('Error: unable to verify the first certificate; if the root CA is installed locally')],
  ['CELL_E_UNTRUSTED', fromNode('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  ['CELL_E_UNTRUSTED', fromGrpc('Error: unable to get local issuer certificate')],
  ['CELL_E_UNTRUSTED', fromNode('UNABLE_TO_GET_ISSUER_CERT_LOCALLY')],
  [
    'CELL_E_UNTRUSTED',
    fromGrpc('Error: 40ED:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number'),
  ],
  ['CELL_E_UNTRUSTED', fromNode('ERR_SSL_WRONG_VERSION_NUMBER')],
  ['CELL_E_UNTRUSTED', fromNode('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')],
  ['CELL_E_CERTIFICATE_EXPIRED', fromGrpc('Error: certificate has expired')],
  ['CELL_E_CERTIFICATE_EXPIRED', fromNode('CERT_HAS_EXPIRED')],
  ['CELL_E_CLOCK_SKEW', fromGrpc('Error: certificate is not yet valid')],
  ['CELL_E_CLOCK_SKEW', fromNode('CERT_NOT_YET_VALID')],
  ['CELL_E_WRONG_PEER', fromGrpc('Error: unsuitable certificate purpose')],
  ['CELL_E_WRONG_PEER', fromGrpc('IdentityError: Called member "2", and it is member "1" that answers')],
  [
    'CELL_E_CERTIFICATE_REFUSED',
    fromGrpc('40ED:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required'),
  ],
  ['CELL_E_CERTIFICATE_REFUSED', fromNode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
  ['CELL_E_CERTIFICATE_REFUSED', fromNode('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')],
  ['CELL_E_CERTIFICATE_REFUSED', fromGrpc('error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca')],
  [
    'CELL_E_CERTIFICATE_REFUSED',
    fromGrpc('error:0A000415:SSL routines:ssl3_read_bytes:ssl/tls alert certificate expired'),
  ],
  ['CELL_E_CERTIFICATE_REFUSED', fromGrpc('error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate')],
])('%s is what people are told of %s', (code, error) => {
  const problem = connectionProblem(error, '10.0.0.1:7600');
  expect(problem).toMatchObject({ code, cause: error });
  expect(problem?.message).toMatch(/^What answers at "10\.0\.0\.1:7600" .*[^.]$/);
});

test.each([
  fromGrpc('Error: connect ECONNREFUSED 127.0.0.1:1'),
  fromNode('ECONNRESET'),
  new Error('Name resolution failed for target dns:nowhere'),
  undefined,
  null,
  'text',
  { message: 1, code: {} },
])('what is not about identities is left to others: %s', (error) => {
  expect(connectionProblem(error, '10.0.0.1:7600')).toBeUndefined();
});

test('what was found out here passes as it is, however deep it lies', () => {
  const found = new IdentityError('CELL_E_WRONG_PEER', 'Called a member, and it is node "a" that answers');
  expect(connectionProblem(found, 'a:1')).toBe(found);
  expect(connectionProblem(new Error('call failed', { cause: new Error('socket', { cause: found }) }), 'a:1')).toBe(
    found,
  );
});
