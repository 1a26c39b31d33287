import { hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { assert, fromHex, toHex, utf8 } from '../index.ts'
import { aezDecipher, aezEncipher } from './aez.ts'
import * as own from './index.ts'

function hex(text: string): Buffer {
  const bytes = fromHex(text.replaceAll(/\s/g, ''))
  assert(bytes, 'a known answer is hex')
  return Buffer.from(bytes)
}

describe('X25519', () => {
  const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
  const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')

  test('agrees with RFC 7748, section 6.1', () => {
    const [publicKey, shared] = [Buffer.alloc(32), Buffer.alloc(32)]
    own.x25519Base(publicKey, alice)
    expect(toHex(publicKey)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(own.x25519(shared, bob, publicKey)).toBe(true)
    expect(toHex(shared)).toBe('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  })

  test.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order eight', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['order eight, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', `ec${'ff'.repeat(30)}7f`],
    ['p', `ed${'ff'.repeat(30)}7f`],
    ['p + 9', `f6${'ff'.repeat(30)}7f`],
    ['a number above 2^255', `09${'00'.repeat(30)}80`],
  ])('refuses a point that nobody honest sends: %s', (_, point) => {
    const shared = Buffer.alloc(32, 0xaa)
    expect(own.x25519(shared, bob, hex(point))).toBe(false)
    expect(shared.every((byte) => byte === 0)).toBe(true)
  })

  test('takes the largest canonical point', () => {
    expect(own.x25519(Buffer.alloc(32), bob, hex(`eb${'ff'.repeat(30)}7f`))).toBe(true)
  })
})

describe('ChaCha20', () => {
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')

  test('gives the block of RFC 8439, section 2.3.2', () => {
    const out = Buffer.alloc(64)
    own.chacha20IetfXorFrom(out, Buffer.alloc(64), hex('000000090000004a00000000'), 1, key)
    expect(toHex(out.subarray(0, 16))).toBe('10f1e7e4d13b5915500fdd1fa32071c4')
  })

  test('in the original form starts as its author published', () => {
    const out = Buffer.alloc(64)
    own.chacha20Original(out, Buffer.alloc(8), Buffer.alloc(32))
    expect(toHex(out.subarray(0, 16))).toBe('76b8e0ada0f13d90405d6ae55386bd28')
  })

  test('can start at any block, in both forms', () => {
    const whole = Buffer.alloc(256)
    own.chacha20Original(whole, hex('0001020304050607'), key)
    const tail = Buffer.alloc(128)
    own.chacha20OriginalXorFrom(tail, tail, hex('0001020304050607'), 2, key)
    expect(tail.equals(whole.subarray(128))).toBe(true)
    own.chacha20OriginalXor(whole, whole, hex('0001020304050607'), key)
    expect(whole.every((byte) => byte === 0)).toBe(true)
    const first = Buffer.alloc(64)
    own.chacha20Ietf(first, Buffer.alloc(12), key)
    own.chacha20IetfXorFrom(first, first, Buffer.alloc(12), 0, key)
    expect(first.every((byte) => byte === 0)).toBe(true)
  })
})

test('ChaCha20-Poly1305 opens only what was sealed', () => {
  const [key, nonce, ad] = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.from('link')]
  const box = Buffer.alloc(5 + own.AEAD_TAG_BYTES)
  own.aeadSealInto(box, Buffer.from('hello'), ad, nonce, key)
  const out = Buffer.alloc(5)
  expect(own.aeadOpenInto(out, box, ad, nonce, key)).toBe(true)
  expect(out.toString()).toBe('hello')
  for (let i = 0; i < box.length; i++) {
    box[i]! ^= 1
    expect(own.aeadOpenInto(out, box, ad, nonce, key)).toBe(false)
    box[i]! ^= 1
  }
  expect(own.aeadOpenInto(out, box, null, nonce, key)).toBe(false)
  expect(own.aeadOpenInto(Buffer.alloc(0), box.subarray(0, 15), ad, nonce, key)).toBe(false)
})

describe('what others chose', () => {
  test('AES-256-CTR gives the known answer of SP 800-38A, F.5.5', () => {
    const key = hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
    const iv = hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff')
    const out = own.aes256Ctr(hex('6bc1bee22e409f96e93d7e117393172a'), key, iv)
    expect(toHex(out)).toBe('601ec313775789a5b7a7f504bbf3d228')
  })

  test('HMAC-SHA256 gives the known answer of RFC 4231, case 2', () => {
    expect(toHex(own.hmacSha256(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test('HKDF expands as RFC 5869, case 1', () => {
    const key = hex('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    const out = own.hkdfExpandSha256(key, hex('f0f1f2f3f4f5f6f7f8f9'), 42)
    expect(toHex(out)).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
    // The whole of HKDF is expansion under a key that was extracted before.
    const extracted = own.hmacSha256(hex('000102030405060708090a0b0c'), Buffer.alloc(22, 0x0b))
    const whole = hkdfSync('sha256', Buffer.alloc(22, 0x0b), hex('000102030405060708090a0b0c'), 'x', 160)
    expect(toHex(own.hkdfExpandSha256(extracted, utf8('x'), 160))).toBe(toHex(new Uint8Array(whole)))
  })

  test('AEZ comes back, keeps the length and moves every part of a block for one bit', () => {
    const [key, nonce] = [Buffer.alloc(48, 3), Buffer.alloc(16, 4)]
    for (const length of [1, 15, 16, 31, 32, 33, 135, 300]) {
      const plain = Buffer.alloc(length, 7)
      const cipher = aezEncipher(key, nonce, plain)
      expect(cipher.length).toBe(length)
      expect(Buffer.from(aezDecipher(key, nonce, cipher)).equals(plain)).toBe(true)
    }
    const one = aezEncipher(key, nonce, Buffer.alloc(135, 7))
    const two = aezEncipher(key, nonce, Buffer.concat([Buffer.alloc(134, 7), Buffer.of(6)]))
    expect(one.filter((byte, i) => byte === two[i]).length).toBeLessThan(8)
  })
})
