import { epochAt, REVEAL_LAG, startOf } from '@fog/betanet/directory'
import { toHex } from '@fog/kernel'
import { audit } from '../audit/audit.ts'
import { DEFAULT_PROBE_LIMITS } from '../audit/probes.ts'
import { MixError } from '../mix-error.ts'
import type { PeerNeeds } from './peer-needs.ts'
import type { PeerNetwork } from './peer-network.ts'
import { ProbeRecords } from './probe-record.ts'
import { Prober } from './prober.ts'

/** Epochs that are looked at unless more are asked for. */
const EPOCHS = 12
/** A consensus is there this much later than it could be, in parts of an epoch. */
const LATE_SHARE = 0.5

/** `audit`: sends probes where some are asked for, waits for their reveals where that is, and says what was found. */
export async function runAudit(needs: PeerNeeds): Promise<void> {
  const { args, config, clock, say, signal } = needs
  const network = await needs.open()
  const consensus = await network.usable()
  const records = new ProbeRecords(config.folder)
  const { schedule } = network.rules
  const nodeId =
    args.node === undefined
      ? undefined
      : wholeId(
          args.node,
          consensus.nodes.map(({ signed }) => toHex(signed.descriptor.identityKey)),
        )
  if (args.probes !== undefined && args.probes > 0) await probe(needs, network, args.probes, nodeId, records)
  if (args.wait) {
    const last = records.read().at(-1)?.epoch ?? consensus.epoch
    await waitForEpoch(needs, network, last + REVEAL_LAG)
  }
  const to = args.epoch ?? network.directory.upcoming()?.epoch ?? Math.max(network.directory.current()?.epoch ?? 1, 1)
  const from = args.epoch === undefined ? to - (args.epochs ?? EPOCHS) + 1 : to - 2 * REVEAL_LAG
  const limits = { ...DEFAULT_PROBE_LIMITS, ...(args.slack !== undefined && { slackMs: args.slack }) }
  const kept = records.read().filter(({ epoch }) => epoch >= from)
  const found = await audit(network, clock, { nodeId, from, to, probes: kept, limits })
  signal.throwIfAborted()
  // What is older than any audit looks at is of no use any more.
  const oldest = epochAt(schedule, clock.now()) - 100
  records.keep(records.read().filter(({ epoch }) => epoch >= oldest))
  say({ type: 'audit', ...found })
  if (found.faults.length > 0) process.exitCode = 1
}

async function probe(
  needs: PeerNeeds,
  network: PeerNetwork,
  probes: number,
  nodeId: string | undefined,
  records: ProbeRecords,
): Promise<void> {
  const prober = new Prober({ ...needs, directory: network.directory })
  void network.follow()
  try {
    const sent = await prober.run(probes, nodeId)
    records.add(sent)
    needs.say({ type: 'probed', probes: sent.length, lost: sent.filter(({ tookMs }) => tookMs === undefined).length })
  } finally {
    prober.close()
  }
}

/** Waits until the consensus of an epoch is there, or should have been. */
async function waitForEpoch({ clock, signal }: PeerNeeds, network: PeerNetwork, epoch: number): Promise<void> {
  const { schedule } = network.rules
  const lastAt = startOf(schedule, epoch) + LATE_SHARE * schedule.epochMs
  while (clock.now() < lastAt) {
    await network.fetch()
    const newest = network.directory.upcoming() ?? network.directory.current()
    if (newest && newest.epoch >= epoch) return
    await clock.sleep(Math.min(1_000, schedule.epochMs / 50), signal)
  }
}

/** A node by as much of its id as is needed. Throws `mix.setting_invalid`. */
function wholeId(start: string, ids: readonly string[]): string {
  const found = ids.filter((id) => id.startsWith(start))
  if (found.length === 1) return found[0]!
  const wants = found.length === 0 ? 'a node that the consensus lists' : 'more of the id: there are several'
  throw new MixError({ code: 'mix.setting_invalid', name: '--node', text: start, wants })
}
