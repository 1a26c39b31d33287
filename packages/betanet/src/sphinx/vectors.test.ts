import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, fromHex, toHex } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { encodeCommands } from './commands.ts'
import { openSurbReply, packetFromSurb, suites, unwrap, type Unwrapped } from './index.ts'

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

/** Takes the packet along its way and holds every form of it to the published one. */
function walk({ Nodes, Path, Packets }: KatzenpostVector): Unwrapped {
  let packet = hex(Packets[0]!)
  for (const [i, { PrivateKey }] of Nodes.entries()) {
    const hop = unwrap(suite, hex(PrivateKey), packet)
    expect(commandsOf(hop)).toBe(Path[i]!.Commands.join(''))
    if (hop.kind !== 'forward') return hop
    expect(toHex(hop.packet)).toBe(Packets[i + 1])
    expect(toHex(hop.nextHop)).toBe(Path[i + 1]!.ID)
    packet = hop.packet
  }
  throw new Error('the path has no last hop')
}

function commandsOf(hop: Unwrapped): string {
  if (hop.kind === 'forward') return toHex(encodeCommands({ delayMs: hop.delayMs }))
  const surbId = hop.kind === 'surb-reply' ? hop.surbId : undefined
  return toHex(encodeCommands({ recipient: hop.recipient, surbId }))
}

describe('Katzenpost’s published packets', () => {
  test.each(vectors.map((vector, i) => ({ i, vector })))('$i, hop by hop', ({ vector }) => {
    const last = walk(vector)
    if (last.kind === 'surb-reply') {
      const { firstHop, packet } = packetFromSurb(suite, hex(vector.Surb), hex(vector.Payload))
      expect(toHex(firstHop)).toBe(vector.Path[0]!.ID)
      expect(toHex(packet)).toBe(vector.Packets[0])
      expect(toHex(openSurbReply(suite, hex(vector.SurbKeys), last.payload))).toBe(vector.Payload)
    } else {
      assert(last.kind === 'deliver', 'a last hop delivers')
      expect(toHex(last.payload)).toBe(vector.Payload)
    }
  })
})
