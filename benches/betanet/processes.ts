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
  /** Keys of two neighbouring epochs; one that is there already stays as it is, with its filter. */
  | { readonly type: 'epochs'; readonly epochs: readonly OrderedEpoch[] }
  | { readonly type: 'figures' }
  | { readonly type: 'stop' }

export interface OrderedEpoch {
  readonly epoch: number
  readonly sphinxSecretKey: Uint8Array
  readonly delayOutput: Uint8Array
  readonly meanSteps: number
  readonly tags: number
}

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
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const ended = () => reject(new Error('a process of the bench ended before it answered'))
    this.#child.once('message', (message) => resolve(message as Answer)).once('exit', ended)
    this.#child.send(order)
    return promise.finally(() => this.#child.off('exit', ended))
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return
    const ended = once(this.#child, 'exit')
    this.#child.send({ type: 'stop' })
    await ended
  }
}
