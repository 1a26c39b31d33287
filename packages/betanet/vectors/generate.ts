import { createCipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blake2b } from '@noble/hashes/blake2.js'

/**
 * Makes kem-x25519.json: packets of the suites `betanet-kem-x25519` and `betanet-kem-x25519-small`, computed from the format's
 * description alone, with OpenSSL and noble. It shares no line and no library with the engine that the vectors judge.
 *
 *     node packages/betanet/vectors/generate.ts
 */

const SLOT = 114
const COMMANDS = 82
const HOPS = 5
const ROUTING = HOPS * SLOT

interface Hop {
  id: Buffer
  privateKey: Buffer
  publicKey: Buffer
  ephemeralSecret: Buffer
  ephemeral: Buffer
  delayClass: number | undefined
  keys: Keys
}

interface Keys {
  mac: Buffer
  stream: Buffer
  payload: Buffer
  replayTag: Buffer
  delaySeed: Buffer
}

/** Bytes that anyone can make again: SHA-256 of a label and a counter. */
function chance(label: string): (length: number) => Buffer {
  let count = 0
  return (length) => {
    const blocks: Buffer[] = []
    while (blocks.length * 32 < length) blocks.push(createHash('sha256').update(`${label}/${count++}`).digest())
    return Buffer.concat(blocks).subarray(0, length)
  }
}

function privateKeyObject(raw: Buffer) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), raw])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function publicKeyOf(raw: Buffer): Buffer {
  return createPublicKey(privateKeyObject(raw)).export({ format: 'der', type: 'spki' }).subarray(-32)
}

function x25519(secret: Buffer, point: Buffer): Buffer {
  const der = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), point])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return diffieHellman({ privateKey: privateKeyObject(secret), publicKey })
}

/** ChaCha20 with counter and nonce zero. */
function chacha20(key: Buffer, message: Buffer): Buffer {
  return createCipheriv('chacha20', key, Buffer.alloc(16)).update(message)
}

function blake(message: Buffer, key?: Buffer): Buffer {
  return Buffer.from(blake2b(message, key ? { key, dkLen: 32 } : { dkLen: 32 }))
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!))
}

function keysOf(suite: string, dh: Buffer, ephemeral: Buffer, nodeKey: Buffer): Keys {
  const secret = blake(Buffer.concat([dh, ephemeral, nodeKey, Buffer.from(suite)]))
  const stream = chacha20(secret, Buffer.alloc(256))
  return {
    mac: stream.subarray(0, 32),
    stream: stream.subarray(32, 64),
    payload: stream.subarray(64, 192),
    replayTag: stream.subarray(192, 224),
    delaySeed: stream.subarray(224, 256),
  }
}

function lionessEncrypt(key: Buffer, block: Buffer): Buffer {
  let [left, right] = [block.subarray(0, 32), block.subarray(32)]
  right = chacha20(xor(left, key.subarray(0, 32)), right)
  left = xor(left, blake(right, key.subarray(32, 64)))
  right = chacha20(xor(left, key.subarray(64, 96)), right)
  left = xor(left, blake(right, key.subarray(96, 128)))
  return Buffer.concat([left, right])
}

function lionessDecrypt(key: Buffer, block: Buffer): Buffer {
  let [left, right] = [block.subarray(0, 32), block.subarray(32)]
  left = xor(left, blake(right, key.subarray(96, 128)))
  right = chacha20(xor(left, key.subarray(64, 96)), right)
  left = xor(left, blake(right, key.subarray(32, 64)))
  right = chacha20(xor(left, key.subarray(0, 32)), right)
  return Buffer.concat([left, right])
}

/** The header as hop `at` gets it, made from the back: each hop's routing block is what the hop before it will leave. */
function headersOf(path: Hop[], lastCommands: Buffer, parity: number, unused: Buffer, noise: Buffer): Buffer[] {
  // Zeros that hops before `at` appended, as they arrive there.
  const tails = path.map((_, at) => {
    let tail = Buffer.alloc(0)
    for (const { keys } of path.slice(0, at)) {
      const whole = chacha20(keys.stream, Buffer.alloc(ROUTING + SLOT))
      const longer = Buffer.concat([tail, Buffer.alloc(SLOT)])
      tail = xor(longer, whole.subarray(whole.length - longer.length))
    }
    return tail
  })
  const headers: Buffer[] = []
  let rest = unused
  for (let at = path.length - 1; at >= 0; at--) {
    const { keys, ephemeral, delayClass } = path[at]
    const next = path[at + 1]
    const delay = delayClass === undefined ? [] : [Buffer.of(0x81, delayClass)]
    const forward = next && [Buffer.of(0x01), next.id, headers[at + 1]!.subarray(-32)]
    const commands = Buffer.concat([...delay, ...(forward ?? [lastCommands])])
    const padded = Buffer.concat([commands, Buffer.alloc(COMMANDS - commands.length)])
    const plain = Buffer.concat([padded, next ? next.ephemeral : noise, rest])
    rest = chacha20(keys.stream, plain)
    const underMac = Buffer.concat([Buffer.of(1, parity), ephemeral, rest, tails[at]!])
    headers[at] = Buffer.concat([underMac, blake(underMac, keys.mac)])
  }
  return headers
}

interface Wish {
  suite: string
  payloadBytes: number
  kind: 'forward' | 'reply'
  length: number
  parity: number
}

function vectorOf({ suite, payloadBytes, kind, length, parity }: Wish) {
  const random = chance(`${suite}/${kind}/${length}`)
  const path = Array.from({ length }, (_, i): Hop => {
    const [id, privateKey, ephemeralSecret] = [random(32), random(32), random(32)]
    const [publicKey, ephemeral] = [publicKeyOf(privateKey), publicKeyOf(ephemeralSecret)]
    const keys = keysOf(suite, x25519(ephemeralSecret, publicKey), ephemeral, publicKey)
    const delayClass = i === length - 1 ? undefined : [undefined, 0, 1, 255][i % 4]
    return { id, privateKey, publicKey, ephemeralSecret, ephemeral, delayClass, keys }
  })
  const [recipient, surbId] = [random(32), random(16)]
  const [unused, noise, replierKey] = [random((HOPS - length) * SLOT), random(32), random(128)]
  const payload = random(payloadBytes)
  const reply = kind === 'reply'
  const last = Buffer.concat([Buffer.of(0x02), recipient, ...(reply ? [Buffer.of(0x03), surbId] : [])])
  const headers = headersOf(path, last, parity, unused, noise)
  let block = Buffer.concat([Buffer.alloc(32), payload])
  if (reply) block = lionessEncrypt(replierKey, block)
  else for (const { keys } of path.toReversed()) block = lionessEncrypt(keys.payload, block)
  const packets = headers.map((header, i) => {
    const packet = Buffer.concat([header, block])
    block = lionessDecrypt(path[i].keys.payload, block)
    return packet
  })
  const hex = (bytes: Buffer) => bytes.toString('hex')
  return {
    suite,
    kind,
    epochParity: parity,
    path: path.map(({ id, privateKey, publicKey, ephemeralSecret, delayClass, keys }) => ({
      id: hex(id),
      privateKey: hex(privateKey),
      publicKey: hex(publicKey),
      ephemeralSecret: hex(ephemeralSecret),
      ...(delayClass === undefined ? {} : { delayClass }),
      replayTag: hex(keys.replayTag),
      delaySeed: hex(keys.delaySeed),
    })),
    recipient: hex(recipient),
    unusedSlots: hex(unused),
    lastSlotNoise: hex(noise),
    payload: hex(payload),
    packets: packets.map(hex),
    ...(reply && {
      surbId: hex(surbId),
      replierKey: hex(replierKey),
      surb: hex(Buffer.concat([headers[0]!, path[0].id, replierKey])),
      surbKeys: hex(Buffer.concat([...path.toReversed().map(({ keys }) => keys.payload), replierKey])),
    }),
  }
}

const sizes = [
  { suite: 'betanet-kem-x25519', payloadBytes: 2048, lengths: [1, 3, 5] },
  { suite: 'betanet-kem-x25519-small', payloadBytes: 532, lengths: [1, 2, 3, 4, 5] },
]
const vectors = sizes.flatMap(({ suite, payloadBytes, lengths }) =>
  (['forward', 'reply'] as const).flatMap((kind) =>
    lengths.map((length) => vectorOf({ suite, payloadBytes, kind, length, parity: length % 2 })),
  ),
)
writeFileSync(join(import.meta.dirname, 'kem-x25519.json'), `[\n${vectors.map((v) => JSON.stringify(v)).join(',\n')}\n]\n`)
