import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, fromHex, toHex } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { encodeCommands } from './commands.ts'
import { type Forward, openSurbReply, packetFromSurb, suites, unwrap, type Unwrapped } from './index.ts'

/** Packets that Katzenpost published; see vectors/README.md. */
interface KatzenpostVector {
  readonly Nodes: readonly { readonly ID: string; readonly PrivateKey: string }[]
  readonly Path: readonly { readonly ID: string; readonly Commands: readonly string[] }[]
  readonly Packets: readonly string[]
  readonly Payload: string
  readonly Surb: string
  readonly SurbKeys: string
}

const FILE = join(import.meta.dirname, '../../vectors/katzenpost-sphinx.json')
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as readonly KatzenpostVector[]
const suite = suites.katzenpostX25519

function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  assert(bytes, 'a vector is hex')
  return bytes
}

/** The vector as our engine tells it: what each hop was commanded and passed on, and the payload at the end. */
function retold({ Nodes, Packets, Surb, SurbKeys, Payload }: KatzenpostVector) {
  const packets = [Surb === '' ? Packets[0]! : toHex(packetFromSurb(suite, hex(Surb), hex(Payload)).packet)]
  const commands: string[] = []
  const nextHops: string[] = []
  for (const { PrivateKey } of Nodes) {
    const hop = unwrap(suite, hex(PrivateKey), hex(packets.at(-1)!))
    commands.push(commandsOf(hop))
    if (hop.kind !== 'forward') return { packets, commands, nextHops, payload: toHex(payloadOf(hop, SurbKeys)) }
    packets.push(toHex(hop.packet))
    nextHops.push(toHex(hop.nextHop))
  }
  throw new Error('the path has no last hop')
}

function commandsOf(hop: Unwrapped): string {
  if (hop.kind === 'forward') return toHex(encodeCommands({ delayMs: hop.delayMs }))
  const surbId = hop.kind === 'surb-reply' ? hop.surbId : undefined
  return toHex(encodeCommands({ recipient: hop.recipient, surbId }))
}

function payloadOf(last: Exclude<Unwrapped, Forward>, surbKeys: string): Uint8Array {
  return last.kind === 'deliver' ? last.payload : openSurbReply(suite, hex(surbKeys), last.payload)
}

describe('Katzenpost’s published packets', () => {
  test.each(vectors.map((vector, i) => ({ i, vector })))('$i, hop by hop', ({ vector }) => {
    const { Path, Packets, Payload } = vector
    expect(retold(vector)).toEqual({
      packets: Packets.slice(0, -1),
      commands: Path.map(({ Commands }) => Commands.join('')),
      nextHops: Path.slice(1).map(({ ID }) => ID),
      payload: Payload,
    })
  })

  test.each(vectors.filter(({ Surb }) => Surb !== ''))(
    'a reply block names its first hop',
    ({ Surb, Path, Payload }) => {
      expect(toHex(packetFromSurb(suite, hex(Surb), hex(Payload)).firstHop)).toBe(Path[0]!.ID)
    },
  )
})
