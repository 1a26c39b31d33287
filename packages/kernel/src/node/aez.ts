import aez from 'aez'
import { assert } from '../errors.ts'

/**
 * AEZ v5 (Hoang, Krovetz, Rogaway) without expansion: a wide-block cipher whose output is as long as its input. In plain
 * JavaScript, slow and not in constant time: for conformance with formats that others chose, never for our own packets.
 */

/** 48-byte key, 16-byte nonce, no associated data; messages of at least one byte. */
export function aezEncipher(key: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(aez.encrypt(Buffer.from(key), Buffer.from(nonce), null, 0, Buffer.from(message)))
}

/** Undoes `aezEncipher`. Nothing can be wrong with a message: any bytes are the cipher text of some bytes. */
export function aezDecipher(key: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  const plain = aez.decrypt(Buffer.from(key), Buffer.from(nonce), null, 0, Buffer.from(message))
  assert(plain !== null, 'without expansion there is no tag that could be wrong')
  return new Uint8Array(plain)
}
