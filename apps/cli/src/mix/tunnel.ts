import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CliError } from '../cli-error.ts'
import type { StatusLine } from '../show/status-line.ts'
import { durationText } from '../show/words.ts'
import { type Environment, PROGRAMS } from '../up/child.ts'

/** A way to a fog through the mixnet, while it is open. */
export interface OpenedTunnel {
  /** Of this machine; what is asked for there is answered by the fog. */
  readonly url: string
  close(): Promise<void>
}

/** Opens a way through the mixnet to the fog at an address. */
export type OpenTunnel = (url: string) => Promise<OpenedTunnel>

export interface TunnelNeeds {
  readonly environment: Environment
  /** Shows that it is being opened. */
  readonly line: StatusLine
  readonly now: () => number
}

/** The program gives up by itself after this long; a network that has just begun needs an epoch or two. */
const WAIT_SECONDS = 120
const TICK_MS = 1_000
/** It says goodbye to the other end; then it is ended. */
const CLOSE_MS = 5_000

/**
 * Starts a tunnel as a program of its own, and waits until the fog has answered through it. It ends with this process, however that
 * ends. Throws `cli.no_tunnel`.
 */
export async function openTunnel({ environment, line, now }: TunnelNeeds): Promise<OpenedTunnel> {
  const child = spawn(process.execPath, [PROGRAMS.mix, 'tunnel', '--seconds', String(WAIT_SECONDS)], {
    env: { ...environment, FOG_TOKEN: undefined },
    // Ctrl-C reaches only us: what is under way is ended first, then the way.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const startedAt = now()
  const show = () => line.update(() => `Opening a way through the mixnet, ${durationText(now() - startedAt)}`)
  show()
  const ticking = setInterval(show, TICK_MS)
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new CliError({ code: 'cli.no_tunnel', why }))
      child.on('message', (message) => {
        const { type, ...facts } = message as { type?: unknown; url?: unknown; message?: unknown }
        if (type === 'started') resolve(String(facts.url))
        if (type === 'failed') fail(String(facts.message))
      })
      ended.then(
        ([code]) => fail(`the tunnel ended (${String(code)})`),
        (fault: Error) => fail(fault.message),
      )
    })
    // While a command works, only its own doings keep it alive.
    child.unref()
    child.channel?.unref()
    return { url, close: () => close(child, ended) }
  } finally {
    clearInterval(ticking)
    line.clear()
  }
}

async function close(child: ReturnType<typeof spawn>, ended: Promise<unknown>): Promise<void> {
  child.ref()
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
  await ended
  clearTimeout(late)
}
