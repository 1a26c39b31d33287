import { parseArgs } from 'node:util'
import { isFogError, toHex } from '@fog/kernel'
import { noiseSuite, monotonicMs, systemClock, systemRng } from '@fog/kernel/node'
import { pino } from 'pino'
import { readPeerConfig } from '../config.ts'
import { lockFolder } from '../folder-lock.ts'
import { openPeerKeys } from '../keys.ts'
import { MixError, whyOf } from '../mix-error.ts'
import { tellPin } from '../tell-pin.ts'
import { runAudit } from './run-audit.ts'
import { runInbox } from './run-inbox.ts'
import { runSend } from './run-send.ts'
import type { PeerArgs, PeerNeeds } from './peer-needs.ts'
import { PeerNetwork } from './peer-network.ts'
import { runTunnel } from '../tunnel/run-tunnel.ts'

const OPTIONS = {
  config: { type: 'string' },
  anonymous: { type: 'boolean' },
  count: { type: 'string' },
  seconds: { type: 'string' },
  node: { type: 'string' },
  epoch: { type: 'string' },
  epochs: { type: 'string' },
  probes: { type: 'string' },
  slack: { type: 'string' },
  port: { type: 'string' },
  wait: { type: 'boolean' },
} as const

const COMMANDS: Readonly<Record<string, (needs: PeerNeeds) => Promise<void>>> = {
  address: async ({ config, say }) =>
    say({ type: 'address', peer: toHex(openPeerKeys(config.folder, systemRng).publicKey) }),
  send: runSend,
  inbox: runInbox,
  audit: runAudit,
  tunnel: runTunnel,
}

/** Carries out a command of a peer: JSON lines on standard output, its log on standard error. */
export async function runPeer(command: string, rest: readonly string[]): Promise<void> {
  const stopping = new AbortController()
  const stop = (why: string) => {
    if (stopping.signal.aborted) process.exit(130)
    stopping.abort(new Error(why))
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  if (process.connected) process.on('disconnect', () => stop('its parent is gone'))
  try {
    await carryOut(command, rest, stopping.signal)
    process.exitCode ??= 0
  } catch (fault) {
    if (!stopping.signal.aborted) fail(fault)
  }
  process.exit()
}

async function carryOut(command: string, rest: readonly string[], signal: AbortSignal): Promise<void> {
  const work = COMMANDS[command]
  if (!work) throw new MixError({ code: 'mix.command_unknown', command })
  const args = readArgs(rest)
  const config = readPeerConfig(args.config)
  const log = pino({ level: config.logLevel, base: { part: 'mix', pid: process.pid } }, pino.destination(2))
  const say: PeerNeeds['say'] = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const world = { clock: systemClock, rng: systemRng, noise: noiseSuite(), now: monotonicMs }
  // A tunnel has a folder of its own, so that it can stand while messages come and go.
  const lock = args.anonymous || command === 'tunnel' ? undefined : lockFolder(config.folder)
  const open = () => PeerNetwork.open(config, { ...world, signal, tell: (event) => tellPin(log, event) })
  try {
    await work({ config, args, log, signal, say, open, ...world })
  } finally {
    lock?.release()
  }
}

function readArgs(rest: readonly string[]): PeerArgs & { readonly config: string | undefined } {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(rest)
  } catch (fault) {
    throw new MixError({ code: 'mix.setting_invalid', name: 'command line', text: rest.join(' '), wants: whyOf(fault) })
  }
  const { values, positionals: words } = parsed
  const { anonymous = false, wait = false, node, config } = values
  const whole = (name: 'count' | 'seconds' | 'epoch' | 'epochs' | 'probes' | 'slack' | 'port') => {
    const text = values[name]
    if (text === undefined) return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new MixError({ code: 'mix.setting_invalid', name: `--${name}`, text, wants: 'a whole number' })
  }
  return {
    words,
    anonymous,
    wait,
    node,
    config,
    count: whole('count'),
    seconds: whole('seconds'),
    epoch: whole('epoch'),
    epochs: whole('epochs'),
    probes: whole('probes'),
    slack: whole('slack'),
    port: whole('port'),
  }
}

function parse(rest: readonly string[]) {
  return parseArgs({ args: [...rest], options: OPTIONS, strict: true, allowPositionals: true })
}

const USAGE = new Set([
  'mix.setting_invalid',
  'mix.setting_unknown',
  'mix.config_unreadable',
  'mix.command_unknown',
  'peer.id_malformed',
])

function fail(fault: unknown): void {
  const [code, message] = [isFogError(fault) ? fault.code : 'mix.failed', whyOf(fault)]
  if (process.connected) process.send?.({ type: 'failed', code, message })
  else process.stderr.write(`${message}\n`)
  process.exitCode = USAGE.has(code) ? 2 : 1
}
