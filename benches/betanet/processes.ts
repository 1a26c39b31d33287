import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Stats } from '@fog/betanet'
import type { Neighbour, SuiteName } from '@fog/betanet/node'
import type { DhKeyPair } from '@fog/kernel'

/** What a bench and the processes it starts say to each other. */
export type MixOrder =
  | {
      readonly type: 'start'
      readonly suite: SuiteName
      readonly datagrams: boolean
      readonly threads: number
      readonly linkKeys: DhKeyPair
    }
  | {
      readonly type: 'run'
      readonly neighbours: readonly Neighbour[]
      readonly sphinxSecretKey: Uint8Array
      readonly delayOutput: Uint8Array
      readonly meanSteps: number
      /** Packets the replay filter is sized for. */
      readonly tags: number
    }
  | { readonly type: 'figures' }
  | { readonly type: 'stop' }

export type MixReport =
  | { readonly type: 'listening'; readonly ports: readonly number[] }
  | { readonly type: 'ready' }
  | {
      readonly type: 'figures'
      readonly cpuMicroseconds: number
      readonly rss: number
      readonly stats: ReturnType<Stats['snapshot']>
    }

export type MixFigures = Extract<MixReport, { type: 'figures' }>

/** A process of a bench, asked one thing at a time. */
export class BenchProcess {
  readonly #child: ChildProcess

  constructor(file: string) {
    this.#child = fork(join(import.meta.dirname, file), { serialization: 'advanced' })
  }

  async ask<Answer>(order: object): Promise<Answer> {
    const answer = once(this.#child, 'message')
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error('a process of the bench ended before it answered')
    })
    this.#child.send(order)
    const [message] = (await Promise.race([answer, ended])) as [Answer]
    return message
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return
    const ended = once(this.#child, 'exit')
    this.#child.send({ type: 'stop' })
    await ended
  }
}
