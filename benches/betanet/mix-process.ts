import { type EpochSecrets, MixEngine } from '@fog/betanet/node'
import { clearReplayMemory, newReplayMemory } from '@fog/betanet'
import type { MixOrder, MixReport, OrderedEpoch } from './processes.ts'

/** A mix node in a process of its own, measured from outside: told its keys and neighbours, asked for its figures. */
let engine: MixEngine | undefined

process.on('message', (order: MixOrder) => {
  void obey(order)
})

async function obey(order: MixOrder): Promise<void> {
  if (order.type === 'start') {
    engine = new MixEngine({
      suite: order.suite,
      datagrams: order.datagrams,
      linkKeys: order.linkKeys,
      host: '127.0.0.1',
      ports: Array.from({ length: order.threads }, () => 0),
      takesClients: false,
      events: {
        arrived: () => undefined,
        client: () => undefined,
        taken: () => undefined,
        paced: () => undefined,
        stays: ({ epoch }) => release(epoch),
        linkClosed: () => undefined,
        failed: (why) => {
          throw new Error(why)
        },
      },
    })
    await engine.start()
    return tell({ type: 'listening', ports: engine.ports })
  }
  if (order.type === 'run') {
    engine!.setNeighbours(order.neighbours)
    engine!.setEpochs([secretsOf({ ...order, epoch: 0 })])
    return tell({ type: 'ready' })
  }
  if (order.type === 'epochs') {
    engine!.setEpochs(order.epochs.map(secretsOf))
    return tell({ type: 'ready' })
  }
  if (order.type === 'stop') {
    await engine!.drain(5000)
    return process.disconnect()
  }
  const { user, system } = process.cpuUsage()
  const { rss } = process.memoryUsage()
  const stats = engine!.stats()
  tell({ type: 'figures', cpuMicroseconds: user + system, rss, stats: stats.snapshot() })
}

/** The filter of an epoch is made once: threads keep the one they have. As in a whole node, what they let go of is used again. */
const filters = new Map<number, SharedArrayBuffer>()
const spare: SharedArrayBuffer[] = []

function release(epoch: number): void {
  const memory = filters.get(epoch)
  if (memory) spare.push(memory)
  filters.delete(epoch)
}

function secretsOf({ epoch, sphinxSecretKey, delayOutput, meanSteps, tags }: OrderedEpoch): EpochSecrets {
  const cleared = () => {
    const memory = spare.pop()
    return memory && clearReplayMemory(memory)
  }
  const replayMemory = filters.get(epoch) ?? cleared() ?? newReplayMemory(tags)
  filters.set(epoch, replayMemory)
  return { epoch, sphinxSecretKey, delayOutput, meanSteps: [meanSteps], replayMemory }
}

function tell(report: MixReport): void {
  process.send!(report)
}
