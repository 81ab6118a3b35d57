import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyProof, provenKey } from './key-proof.ts';

const PURPOSE = 'cell:node:a';

function keyPair(namedCurve = 'P-256') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }) };
}

test('who has the private key can show it', () => {
  const { privateKey, publicKey } = keyPair();
  const key = provenKey(publicKey, PURPOSE, keyProof(privateKey, publicKey, PURPOSE));
  expect(key?.export({ type: 'spki', format: 'der' })).toEqual(publicKey);
});

test('a proof is for one key and one purpose', () => {
  const [own, other] = [keyPair(), keyPair()];
  const proof = keyProof(own.privateKey, own.publicKey, PURPOSE);
  expect(provenKey(own.publicKey, 'cell:node:b', proof)).toBeUndefined();
  expect(provenKey(other.publicKey, PURPOSE, proof)).toBeUndefined();
  expect(provenKey(other.publicKey, PURPOSE, keyProof(own.privateKey, other.publicKey, PURPOSE))).toBeUndefined();
  // What is signed says what it is for, so that no other signature of the key will do.
  expect(provenKey(own.publicKey, PURPOSE, sign('sha256', own.publicKey, own.privateKey))).toBeUndefined();
});

test('a key of another kind, and bytes that are no key, prove nothing and do no harm', () => {
  const curve = keyPair('P-384');
  expect(provenKey(curve.publicKey, PURPOSE, keyProof(curve.privateKey, curve.publicKey, PURPOSE))).toBeUndefined();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const rsaKey = rsa.publicKey.export({ type: 'spki', format: 'der' });
  expect(provenKey(rsaKey, PURPOSE, keyProof(rsa.privateKey, rsaKey, PURPOSE))).toBeUndefined();
  const { privateKey, publicKey } = keyPair();
  const proof = keyProof(privateKey, publicKey, PURPOSE);
  expect(provenKey(Buffer.alloc(0), PURPOSE, proof)).toBeUndefined();
  expect(provenKey(Buffer.alloc(91), PURPOSE, proof)).toBeUndefined();
  expect(provenKey(publicKey, PURPOSE, Buffer.alloc(0))).toBeUndefined();
  // A key with something behind it is another sequence of bytes, and longer than keys are.
  expect(provenKey(Buffer.concat([publicKey, Buffer.alloc(200)]), PURPOSE, proof)).toBeUndefined();
});
