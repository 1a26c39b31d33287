import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemRng, wipe } from '@fog/kernel/node'
import { DelaySource, HistogramRecorder } from '../delay/index.ts'
import type { EpochKey } from '../mix/pipeline.ts'
import { ReplayFilter } from '../mix/replay-filter.ts'
import { Stats } from '../mix/stats.ts'
import { HopUnwrapper, suites } from '../sphinx/index.ts'
import type { EpochSecrets, FromThread, ThreadData, ToThread } from './thread-messages.ts'
import { Vertical } from './vertical.ts'

/** One vertical in a thread of its own: told what to do by messages, and telling what reached its last hop here. */
async function main(data: ThreadData): Promise<void> {
  const port = parentPort
  assert(port, 'a vertical runs in a worker thread')
  const tell = (message: FromThread) => port.postMessage(message, [])
  const suite = suites[data.suite]
  const stats = new Stats(data.stats)
  const vertical = new Vertical({
    suite,
    noise: noiseSuite(),
    linkKeys: data.linkKeys,
    thread: data.thread,
    takesClients: data.takesClients,
    host: data.host,
    datagrams: data.datagrams,
    rng: systemRng,
    limits: data.limits,
    stats,
    now: monotonicMs,
    events: {
      // Copied: the bytes are the pipeline's own, and gone with the next packet.
      arrived: ({ recipient, surbId, body }) =>
        tell({
          type: 'arrived',
          recipient: recipient && Uint8Array.from(recipient),
          surbId: surbId && Uint8Array.from(surbId),
          body: Uint8Array.from(body),
        }),
      client: (linkKey, isHere) => tell({ type: 'client', linkKey, isHere }),
      taken: (linkKey, ids) => tell({ type: 'taken', linkKey, ids }),
      paced: (linkKey, meanMs) => tell({ type: 'paced', linkKey, meanMs }),
      linkClosed: (peer, why) => tell({ type: 'link_closed', peer, why }),
    },
  })
  let keys: EpochKey[] = []
  const measure = setInterval(() => {
    const { user, system } = process.threadCpuUsage()
    stats.set('cpuMicroseconds', user + system)
  }, 250)

  port.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'epochs': {
        const ended = keys.filter(({ epoch }) => !message.epochs.some((each) => each.epoch === epoch))
        keys = renewed(keys, message.epochs, data.suite)
        for (const { stays } of ended) tell({ type: 'stays', histogram: stays.take() })
        return vertical.setKeys(keys)
      }
      case 'neighbours':
        return vertical.setNeighbours(message.neighbours)
      case 'send':
        return void vertical.sendPacket(message.nodeId, message.packet)
      case 'deliver':
        return void vertical.deliver(message.linkKey, message.body)
      case 'drain':
        return void vertical.drain().then(() => {
          tell({ type: 'drained' })
          clearInterval(measure)
          port.close()
        })
      case 'stop':
        vertical.stop()
        for (const key of keys) forget(key)
        clearInterval(measure)
        return port.close()
    }
  })
  tell({ type: 'listening', port: await vertical.listen(data.port) })
}

/** Keys of epochs that go on stay as they are; those of epochs that are over are wiped. */
function renewed(before: readonly EpochKey[], epochs: readonly EpochSecrets[], suite: ThreadData['suite']): EpochKey[] {
  for (const key of before) if (!epochs.some(({ epoch }) => epoch === key.epoch)) forget(key)
  return epochs.map((secrets) => {
    const { epoch, sphinxSecretKey, delayOutput, meanSteps, replayMemory } = secrets
    const same = before.find((key) => key.epoch === epoch)
    const key = same
      ? { ...same, meanSteps }
      : {
          epoch,
          unwrapper: new HopUnwrapper(suites[suite], sphinxSecretKey),
          filter: new ReplayFilter(replayMemory),
          delays: new DelaySource(delayOutput),
          stays: new HistogramRecorder(epoch, meanSteps),
          meanSteps,
        }
    wipe(sphinxSecretKey)
    wipe(delayOutput)
    return key
  })
}

function forget({ unwrapper, delays }: EpochKey): void {
  unwrapper.wipe()
  delays.wipe()
}

main(workerData as ThreadData).catch((fault: unknown) => {
  const message: FromThread = { type: 'failed', message: fault instanceof Error ? fault.message : String(fault) }
  parentPort?.postMessage(message, [])
  // Its timers would keep a thread alive that serves nobody, and whoever stops the node waits for all of them.
  setImmediate(() => process.exit())
})
