import { assert, type Clock } from '@fog/kernel'
import type { Fog } from '@fog/sdk'
import type { Config } from './config.ts'
import { EXIT, Interrupted } from './exit-code.ts'
import { peerEnvironment } from './mix/peer-environment.ts'
import { type OpenedTunnel, openTunnel } from './mix/tunnel.ts'
import { connect, type Connection, type ServerFlags } from './server/connect.ts'
import { type Colours, coloursOf } from './show/colours.ts'
import { StatusLine } from './show/status-line.ts'
import type { Terminal, TerminalOutput } from './terminal.ts'

/** What every command is handed. */
export interface World {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly config: Config
}

export interface CommonFlags extends ServerFlags {
  readonly json?: boolean
}

/** One command being carried out: where it reads and writes, and which fog it talks to. */
export class Invocation {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly config: Config
  readonly json: boolean
  readonly colours: Colours
  readonly #flags: ServerFlags
  #mixnet: boolean
  #connection: Promise<Connection> | undefined

  constructor({ terminal, clock, config }: World, { json = false, ...flags }: CommonFlags, mixnet = false) {
    this.terminal = terminal
    this.clock = clock
    this.config = config
    this.json = json
    this.#flags = flags
    this.#mixnet = mixnet
    this.colours = coloursOf({ setting: config.colour, isTerminal: terminal.stdout.isTerminal })
  }

  connection(): Promise<Connection> {
    const { config, clock } = this
    const openTunnel = (url: string) => this.openTunnel(url)
    this.#connection ??= connect({ config, clock, openTunnel }, { ...this.#flags, mixnet: this.#mixnet })
    return this.#connection
  }

  /** Whether `--mixnet` was given, or the work itself asks for it. */
  get mixnet(): boolean {
    return this.#mixnet
  }

  /** From now on the fog is spoken to through the mixnet. Nothing was sent to it before. */
  goThroughMixnet(): void {
    assert(!this.#connection || this.#mixnet, 'the way to the fog is chosen before it is taken')
    this.#mixnet = true
  }

  async openTunnel(url: string): Promise<OpenedTunnel> {
    const environment = await peerEnvironment(this, url)
    return openTunnel({ environment, line: this.statusLine(), now: () => this.now() })
  }

  /** Ends the way to the fog. */
  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    await connection?.close()
  }

  async fog(): Promise<Fog> {
    return (await this.connection()).fog
  }

  now(): number {
    return this.clock.now()
  }

  /** The answer of a command: one JSON document with --json, else the text. */
  async show(value: unknown, text: () => string): Promise<void> {
    await this.terminal.stdout.write(this.json ? `${JSON.stringify(value, undefined, 2)}\n` : `${text()}\n`)
  }

  /** One of many answers: a JSON line with --json, else the text. */
  async showNext(value: unknown, text: () => string): Promise<void> {
    await this.terminal.stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${text()}\n`)
  }

  /** A word to the person, beside the answer. */
  async note(text: string): Promise<void> {
    await this.terminal.stderr.write(`${text}\n`)
  }

  /** A line that shows how far something is; silent with --json. */
  statusLine(): StatusLine {
    return new StatusLine({ output: this.json ? NOWHERE : this.terminal.stderr, clock: this.clock })
  }

  /** For what is written beside the answer. */
  sideColours(): Colours {
    return coloursOf({ setting: this.config.colour, isTerminal: this.terminal.stderr.isTerminal })
  }

  /** Waits until Ctrl-C, which ends the waiting with what `comeBack` says; a second one ends the program at once. */
  async interruptible<Answer>(work: (signal: AbortSignal) => Promise<Answer>, comeBack: () => string): Promise<Answer> {
    const stop = new AbortController()
    const ignore = this.terminal.onInterrupt(() => {
      if (stop.signal.aborted) this.terminal.leave(EXIT.interrupted)
      stop.abort(new Interrupted(comeBack()))
    })
    try {
      return await work(stop.signal)
    } finally {
      ignore()
    }
  }
}

const NOWHERE: TerminalOutput = { write: async () => undefined, isTerminal: false, columns: 80, rows: 25 }
