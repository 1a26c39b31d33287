import { ApiError, Client, Unreachable } from '@fog/contract'
import type { AttemptId } from '@fog/kernel'

/** The bearer token of this node's HTTP routes. It lives as long as the channel that brought it. */
export class NodeToken {
  #token: string | undefined
  #waiting: (() => void)[] = []

  get current(): string | undefined {
    return this.#token
  }

  set(token: string | undefined): void {
    this.#token = token
    if (token !== undefined) this.#waiting.splice(0).forEach((wake) => wake())
  }

  /** Resolves once there is a token; rejects with the signal's reason. */
  async present(signal: AbortSignal): Promise<void> {
    while (this.#token === undefined) {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
    }
  }
}

/** What a node fetches and uploads by HTTP: contents of attempts it holds. */
export class NodeApi {
  readonly #client: Client
  readonly #token: NodeToken

  constructor({ url, token }: { readonly url: string; readonly token: NodeToken }) {
    this.#token = token
    this.#client = new Client({ baseUrl: url, token: () => token.current })
  }

  /** Waits for a channel, then asks for the content. */
  async openInput(attemptId: AttemptId, digest: string, signal: AbortSignal): Promise<Response> {
    await this.#token.present(signal)
    return this.#client.raw('getNodeBlob', { params: { attemptId, digest }, signal })
  }

  async putOutput(attemptId: AttemptId, digest: string, content: Blob, signal: AbortSignal): Promise<void> {
    await this.#put({ params: { attemptId, digest }, signal }, content)
  }

  /** A file of the attempt's next checkpoint. */
  async putState(attemptId: AttemptId, digest: string, content: Blob, signal: AbortSignal): Promise<void> {
    await this.#put({ params: { attemptId, digest }, query: { use: 'state' }, signal }, content)
  }

  async #put(call: PutCall & { readonly signal: AbortSignal }, content: Blob): Promise<void> {
    await this.#token.present(call.signal)
    const answer = await this.#client.raw('putNodeBlob', call, content)
    await answer.body?.cancel()
  }
}

interface PutCall {
  readonly params: { readonly attemptId: AttemptId; readonly digest: string }
  readonly query?: { readonly use: 'state' }
}

/** Whether the same request may go well later: the network, an overloaded server, a token that has just been replaced. */
export function isPassing(fault: unknown): boolean {
  if (fault instanceof ApiError) return [401, 408, 425, 429].includes(fault.status) || fault.status >= 500
  return fault instanceof Unreachable || fault instanceof TypeError
}
