import { Worker } from 'node:worker_threads'
import { FogError } from '@fog/kernel'
import type { FrontAnswer, PlanRequest } from '@fog/scheduler/placement'

/** Searches for fronts; not on the thread of whoever asks. */
export interface FrontPlanner {
  /** The front of the request, after about `deadlineMs`. Throws `planning.failed`. */
  plan(request: PlanRequest, options: { readonly deadlineMs: number; readonly seed: number }): Promise<FrontAnswer>
  stop(): Promise<void>
}

export interface FrontOrder {
  readonly number: number
  readonly request: PlanRequest
  readonly deadlineMs: number
  readonly seed: number
}

export interface FrontReply {
  readonly number: number
  readonly answer: FrontAnswer
}

/** Why a plan came to nothing. What runs and what waits is as it was. */
export class PlanningError extends FogError<{ code: 'planning.failed'; why: string }> {
  static override readonly texts = {
    'planning.failed': {
      says: 'The placement plan could not be made: {why}.',
      fix: 'Jobs are placed one by one meanwhile, and the next plan is tried by itself; the log has the fault.',
    },
  }
}

/** A search that takes so many times its deadline, and this, hangs. */
const PATIENCE = 4
const PATIENCE_MS = 5_000
/** Its memory is given back when nothing was planned for so long. */
const IDLE_MS = 60_000

interface Asked {
  readonly number: number
  readonly resolve: (answer: FrontAnswer) => void
  readonly reject: (fault: Error) => void
}

/** Searches on a thread of its own, started when first needed and ended when it idles or hangs. One request at a time. */
export class ThreadFrontPlanner implements FrontPlanner {
  #thread: Worker | undefined
  #asked: Asked | undefined
  #idle: NodeJS.Timeout | undefined
  #number = 0

  async plan(
    request: PlanRequest,
    options: { readonly deadlineMs: number; readonly seed: number },
  ): Promise<FrontAnswer> {
    if (this.#asked) throw new PlanningError({ code: 'planning.failed', why: 'another one is being made' })
    clearTimeout(this.#idle)
    const thread = (this.#thread ??= this.#start())
    const number = (this.#number += 1)
    const { promise, resolve, reject } = Promise.withResolvers<FrontAnswer>()
    this.#asked = { number, resolve, reject }
    const hangs = setTimeout(() => this.#drop('it took too long'), PATIENCE * options.deadlineMs + PATIENCE_MS)
    const order: FrontOrder = { number, request, ...options }
    thread.postMessage(order, [])
    try {
      return await promise
    } finally {
      clearTimeout(hangs)
      this.#asked = undefined
      this.#idle = setTimeout(() => this.#drop('it was idle'), IDLE_MS)
      this.#idle.unref()
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle)
    const thread = this.#thread
    this.#drop('the control plane stops')
    await thread?.terminate()
  }

  #start(): Worker {
    const thread = new Worker(new URL('./front-thread.ts', import.meta.url))
    thread.unref()
    thread.on('message', ({ number, answer }: FrontReply) => {
      if (this.#asked?.number === number) this.#asked.resolve(answer)
    })
    thread.on('error', (fault) => this.#drop(fault.message))
    thread.once('exit', () => {
      if (this.#thread === thread) this.#drop('its thread ended')
    })
    return thread
  }

  #drop(why: string): void {
    const thread = this.#thread
    this.#thread = undefined
    this.#asked?.reject(new PlanningError({ code: 'planning.failed', why }))
    void thread?.terminate()
  }
}
