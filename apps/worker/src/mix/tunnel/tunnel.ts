import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BetaNetTransport } from '@fog/betanet/node'
import { type Clock, type DhKeyPair, isFogError, type NoiseSuite, type Rng } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { StreamMultiplexer } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'
import { lockFolder } from '../folder-lock.ts'
import { openPeerKeys } from '../keys.ts'
import { MixError, whyOf } from '../mix-error.ts'
import { PeerNetwork } from '../peer/peer-network.ts'
import { tellPin } from '../tell-pin.ts'
import { openDoors } from './doors.ts'
import { pinnedEntry } from './entry-pin.ts'
import { greet } from './greet.ts'
import { relay } from './relay.ts'
import type { Tunnel, TunnelOptions } from './tunnel-options.ts'

const DEFAULT_WAIT_MS = 120_000
/** As many connections at once as streams with one peer. */
const MOST_CONNECTIONS = 64
const LOOK_EVERY_MS = 50
/** Between deliveries of each gateway, cover among them: with two gateways more than a control plane sends one peer of several. */
const RECEIVE_MEAN_MS = 25
/** For the control plane to hear that connections end. */
const GOODBYE_MS = 1_000

/** Time and chance, for tests to have others. */
export interface TunnelWorld {
  readonly clock: Clock
  readonly rng: Rng
  readonly noise: NoiseSuite
  /** Milliseconds that only grow. */
  readonly now: () => number
}

const SYSTEM: TunnelWorld = { clock: systemClock, rng: systemRng, noise: noiseSuite(), now: monotonicMs }

/**
 * A way to the control plane through the mixnet: what connects here is connected there, by HTTP, event stream or WebSocket, and only
 * that the mixnet is used shows. Resolves when the control plane has answered. Rejects with a `MixError` that says what was
 * waited for, or with the signal's reason.
 */
export async function startTunnel(options: TunnelOptions, world: TunnelWorld = SYSTEM): Promise<Tunnel> {
  const opened: Opened = []
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= undo(opened))
  const stopNow = () => void stop()
  options.signal?.addEventListener('abort', stopNow, { once: true })
  opened.push(() => options.signal?.removeEventListener('abort', stopNow))
  try {
    options.signal?.throwIfAborted()
    const tunnel = await open(options, world, opened)
    options.signal?.throwIfAborted()
    return { ...tunnel, stop }
  } catch (fault) {
    await stop()
    throw fault
  }
}

type Opened = (() => void | Promise<void>)[]

async function open(options: TunnelOptions, world: TunnelWorld, opened: Opened): Promise<Omit<Tunnel, 'stop'>> {
  const { urls, folder, network: wanted, log, port = 0, cover = 'consensus', waitMs = DEFAULT_WAIT_MS } = options
  const { clock, rng } = world
  const endsAt = world.now() + waitMs
  const leftMs = () => Math.max(0, endsAt - world.now())
  const ending = new AbortController()
  opened.push(() => ending.abort(new Error('the tunnel stops')))
  const { signal } = ending
  const { keys, isAlone } = ownKeys(folder, world, opened)
  const network = await metNetwork({ urls, folder, wanted, waitMs, log, signal }, world)
  await network.usable(leftMs())
  const entry = await pinnedEntry(folder, options.entry, leftMs(), {
    http: network.http,
    clock,
    now: world.now,
    signal,
    pinned: (address) => log.warn({ entry: address }, "the control plane's address is pinned from now on"),
  })

  const { directory } = network
  const heard = ({ type }: { readonly type: string }) => log.debug({ type }, 'a link to a gateway')
  const receiveMeanMs = cover === 'off' ? undefined : RECEIVE_MEAN_MS
  const transport = new BetaNetTransport({ ...world, keys, directory, log: heard }, { cover, receiveMeanMs })
  opened.push(() => transport.stop())
  transport.start()
  network.onChanged(() => transport.refresh())
  void network.follow()
  await linked(transport, waitMs, leftMs, (ms) => clock.sleep(ms, signal))

  const streams = new StreamMultiplexer({ transport, clock, rng }, { mostStreamsPerPeer: MOST_CONNECTIONS })
  opened.push(() => streams.stop(GOODBYE_MS))
  await greet(streams, entry, leftMs(), { clock, now: world.now, signal })
  const socketPath = join(folder, isAlone ? 'tunnel.sock' : `tunnel-${process.pid}.sock`)
  const doors = await openDoors({ port, socketPath, mostConnections: MOST_CONNECTIONS }, log, (connection) => {
    try {
      relay(connection, new StreamDuplex(streams.open(entry)))
    } catch (fault) {
      log.warn({ why: whyOf(fault) }, 'a connection was turned away')
      connection.destroy()
    }
  })
  opened.push(() => {
    doors.close()
    rmSync(socketPath, { force: true })
  })
  return { url: `http://127.0.0.1:${doors.port}`, socketPath: doors.socketPath, entry, peer: transport.peer }
}

/** The folder's own key, or one made for the purpose while another program of this user has it. */
function ownKeys(
  folder: string,
  { rng, noise }: TunnelWorld,
  opened: Opened,
): { readonly keys: DhKeyPair; readonly isAlone: boolean } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    const lock = lockFolder(folder)
    opened.push(() => lock.release())
    return { keys: openPeerKeys(folder, rng), isAlone: true }
  } catch (fault) {
    // One key at two places would have half of what is for it delivered at each.
    if (isFogError(fault) && fault.code === 'mix.folder_in_use') return { keys: noise.makeKeyPair(), isAlone: false }
    throw fault
  }
}

interface Meeting {
  readonly urls: readonly string[]
  readonly folder: string
  readonly wanted: string | undefined
  readonly waitMs: number
  readonly log: TunnelOptions['log']
  readonly signal: AbortSignal
}

/** The network as pinned, or as met within the time. Throws `mix.directory_silent` beside what a `PeerNetwork` does. */
async function metNetwork(
  { urls, folder, wanted, waitMs, log, signal }: Meeting,
  world: TunnelWorld,
): Promise<PeerNetwork> {
  const late = new AbortController()
  let why = 'it was not asked in time'
  const timer = setTimeout(() => late.abort(), waitMs)
  try {
    return await PeerNetwork.open(
      { urls, folder, network: wanted, logLevel: 'info' },
      {
        ...world,
        signal,
        meetSignal: AbortSignal.any([signal, late.signal]),
        tell: (event) => {
          if (event.type === 'unreachable') ({ why } = event)
          tellPin(log, event)
        },
      },
    )
  } catch (fault) {
    if (!late.signal.aborted || isFogError(fault)) throw fault
    throw new MixError({ code: 'mix.directory_silent', url: urls.join(', '), why }, { cause: fault })
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until there is a link to a gateway. Throws `mix.no_gateway`. */
async function linked(
  transport: BetaNetTransport,
  waitMs: number,
  leftMs: () => number,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  while (transport.status().gateways.length === 0) {
    if (leftMs() === 0) throw new MixError({ code: 'mix.no_gateway', seconds: Math.round(waitMs / 1000) })
    await sleep(LOOK_EVERY_MS)
  }
}

/** The last thing that was opened first. */
async function undo(opened: Opened): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each()
}
