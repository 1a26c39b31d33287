import { type LeaseMessage, type ReportMessage, resultMessage } from '@fog/contract'
import { resultPreimage } from '@fog/idle'
import { type AccountId, type AttemptId, type NodeId, parseId, randomBelow, type Rng, toHex, utf8 } from '@fog/kernel'
import { type KeyPair, keyPairFromSeed, sha256, sign } from '@fog/kernel/node'
import type { Saying } from '../../apps/control-plane/src/flows/accept-result.ts'

export const EMPTY = toHex(sha256(new Uint8Array()))

/** How a simulated device behaves. */
export interface Nature {
  /** Makes up results now and then. */
  readonly liar: boolean
  /** Results survive its death, as a worker's spool does. */
  readonly spool: boolean
  /** Its round trip. */
  readonly latencyMs: number
}

/** A device without a processor: it takes leases, lets time pass and signs results with a real key. */
export class SimNode {
  readonly nodeId: NodeId
  readonly ownerId: AccountId
  readonly nature: Nature
  readonly keys: KeyPair
  connected = false
  /** Raised at each death: what was scheduled before it does not happen any more. */
  life = 0
  readonly running = new Map<string, LeaseMessage>()
  /** Finished and not yet acknowledged. */
  readonly spool = new Map<string, Saying>()

  constructor(nodeId: NodeId, ownerId: AccountId, nature: Nature, rng: Rng) {
    this.nodeId = nodeId
    this.ownerId = ownerId
    this.nature = nature
    this.keys = keyPairFromSeed(rng.bytes(32))
  }

  get latencyMs(): number {
    return this.nature.latencyMs
  }

  get holds(): string[] {
    return [...this.running.keys(), ...this.spool.keys()]
  }

  die(): void {
    this.connected = false
    this.life += 1
    this.running.clear()
    if (!this.nature.spool) this.spool.clear()
  }

  /** What it reports for a lease: right, wrong, or a failure that every honest node would report alike. */
  finish(lease: LeaseMessage, rng: Rng): Saying {
    const lies = this.nature.liar && rng.next() < 0.3
    const report = reportFor(lease, lies ? `a lie of ${this.nodeId}` : '')
    const facts = { nodeId: this.nodeId, attemptId: lease.attemptId, taskId: lease.taskId, fence: lease.fence, report }
    const signature = toHex(sign(resultMessage(facts), this.keys.secretKey))
    const { attemptId, fence } = refOf(lease)
    const saying: Saying = {
      type: 'result',
      nodeId: this.nodeId,
      attemptId,
      fence,
      report: { ...report, signature },
      inline: [],
    }
    this.running.delete(lease.attemptId)
    this.spool.set(lease.attemptId, saying)
    return saying
  }
}

/** The right answer to a task depends on its first argument alone; every thirteenth program fails. */
export function reportFor(lease: Pick<LeaseMessage, 'args'>, twist: string): Omit<ReportMessage, 'signature'> {
  const item = lease.args[0] ?? ''
  const ok = Number(item) % 13 !== 12
  const exit = ok ? 'exited:0' : 'exited:3'
  const fuel = 1_000_000n + BigInt(Number(item)) * 1000n
  const outputs = [{ path: `answer-${toHex(sha256(utf8(`${item}${twist}`))).slice(0, 8)}`, digest: EMPTY, size: 0 }]
  return {
    outcome: ok ? { ok: true } : { ok: false, failure: { reason: 'exit_nonzero', detail: 'it exited with 3' } },
    exitCode: ok ? 0 : 3,
    exit,
    digest: toHex(sha256(resultPreimage({ exit, fuelUsed: fuel, stdoutDigest: EMPTY, outputs }))),
    fuel: String(fuel),
    cpuMs: 1,
    wallMs: 1,
    peakMemoryBytes: 65_536,
    stdout: { digest: EMPTY, size: 0 },
    stderr: { digest: EMPTY, size: 0 },
    outputs,
  }
}

/** Which attempt a lease is for. */
export function refOf({ attemptId, fence }: LeaseMessage): { attemptId: AttemptId; fence: number } {
  return { attemptId: parseId('attempt', attemptId), fence }
}

export function pick<Item>(items: readonly Item[], rng: Rng): Item {
  return items[randomBelow(rng, items.length)]!
}
