import { MixEngine } from '@fog/betanet/node'
import { newReplayMemory } from '@fog/betanet'
import type { MixOrder, MixReport } from './processes.ts'

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
        stays: () => undefined,
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
    engine!.setEpochs([
      {
        epoch: 0,
        sphinxSecretKey: order.sphinxSecretKey,
        delayOutput: order.delayOutput,
        meanSteps: [order.meanSteps],
        replayMemory: newReplayMemory(order.tags),
      },
    ])
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

function tell(report: MixReport): void {
  process.send!(report)
}
