import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type BlobRef,
  channelMessage,
  checkpointMessage,
  enrolmentMessage,
  type LeaseMessage,
  MAX_CHANNEL_MESSAGE_BYTES,
  PATHS,
  resultMessage,
  type ServerMessage,
  WorkerMessage,
} from '@fog/contract'
import { fromBase64Url, fromHex, newId, type NodeId, seededRng, toHex, utf8 } from '@fog/kernel'
import { sha256, verify } from '@fog/kernel/node'
import { Compile } from 'typebox/compile'
import { type WebSocket, WebSocketServer } from 'ws'
import { digestOf } from './programs.ts'
import { until } from './processes.ts'

const workerMessage = Compile(WorkerMessage)
const rng = seededRng(Date.now())

type Of<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>

/**
 * A control plane for one worker that speaks the contract over real sockets and misbehaves when told to: forgets to
 * acknowledge, cuts the line, repeats itself, talks nonsense, serves broken content.
 */
export class TestFog {
  readonly joinToken = 'join-token-of-the-test'
  readonly messages: WorkerMessage[] = []
  /** Why a message of the worker was wrong; a test ends with none. */
  readonly complaints: string[] = []
  readonly content = new Map<string, Uint8Array>()
  readonly uploads: { readonly attemptId: string; readonly digest: string }[] = []
  readonly fetches: string[] = []
  /** Knobs. */
  acknowledges = true
  /** What checkpoints are answered with, if at all. */
  checkpointAnswer: 'taken' | 'refused' | 'none' = 'taken'
  heartbeatMs = 200
  drop: string[] = []
  refusal: { code: string; detail: string } | undefined
  /** Answers a fetch in some other way; answering false leaves it alone. */
  serve: ((digest: string, response: ServerResponse) => boolean) | undefined
  welcomes = 0
  enrolments = 0
  readonly #leases = new Map<string, LeaseMessage>()
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_CHANNEL_MESSAGE_BYTES })
  readonly #gatewayId = newId('gateway', Date.now(), rng)
  readonly #nodes = new Map<string, string>()
  #socket: WebSocket | undefined
  #token = ''

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.on('upgrade', (request, socket, head) => {
      if (request.url !== PATHS.workerSocket) return socket.destroy()
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#challenge(opened))
    })
  }

  static async start(): Promise<TestFog> {
    const fog = new TestFog()
    await new Promise<void>((resolve) => fog.#server.listen(0, '127.0.0.1', resolve))
    return fog
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get isConnected(): boolean {
    return this.#socket !== undefined
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#socket?.terminate()
    this.#socket = undefined
  }

  send(message: ServerMessage): void {
    this.#socket?.send(JSON.stringify(message))
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket?.send(data)
  }

  keep(bytes: Uint8Array): BlobRef {
    const digest = digestOf(bytes)
    this.content.set(digest, bytes)
    return { digest, size: bytes.length }
  }

  /** A lease that was not sent yet. */
  lease(
    program: Uint8Array,
    wishes: Partial<Omit<LeaseMessage, 'limits'>> & { limits?: Partial<LeaseMessage['limits']> } = {},
  ): LeaseMessage {
    const limits = { ...LIMITS, ...wishes.limits }
    const lease: LeaseMessage = {
      attemptId: newId('attempt', Date.now(), rng),
      taskId: newId('task', Date.now(), rng),
      jobId: newId('job', Date.now(), rng),
      fence: 1,
      kind: 'wasm',
      program: this.keep(program),
      args: [],
      env: {},
      inputs: [],
      ...wishes,
      limits,
    }
    this.#leases.set(lease.attemptId, lease)
    return lease
  }

  give(...leases: LeaseMessage[]): void {
    this.send({ type: 'leases', leases })
  }

  ack(attemptId: string): void {
    this.send({ type: 'ack', attempts: [attemptId] })
  }

  of<Type extends WorkerMessage['type']>(type: Type, attemptId?: string): Of<Type>[] {
    return this.messages.filter((message): message is Of<Type> => {
      return (
        message.type === type &&
        (attemptId === undefined || ('attemptId' in message && message.attemptId === attemptId))
      )
    })
  }

  /** The first result of an attempt, once it has come. */
  async result(lease: LeaseMessage): Promise<Of<'result'>> {
    await until('a result has come', () => this.of('result', lease.attemptId).length > 0)
    return this.of('result', lease.attemptId)[0]!
  }

  async returned(lease: LeaseMessage): Promise<string> {
    await until('the task came back', () => this.of('returned', lease.attemptId).length > 0)
    return this.of('returned', lease.attemptId)[0]!.reason
  }

  async started(lease: LeaseMessage): Promise<void> {
    await until('the task has started', () => this.of('started', lease.attemptId).length > 0)
  }

  /** Gives a lease and waits for its result. */
  async run(lease: LeaseMessage): Promise<Of<'result'>> {
    this.give(lease)
    return this.result(lease)
  }

  /** What a result holds inside itself under a hash, or what was uploaded. */
  contentOf({ inline }: Of<'result'>, digest: string): Uint8Array | undefined {
    const found = inline.find((each) => each.digest === digest)
    return found ? fromBase64Url(found.data) : this.content.get(digest)
  }

  #challenge(socket: WebSocket): void {
    const nonce = toHex(rng.bytes(32))
    socket.on('message', (data, isBinary) => this.#hear(socket, nonce, data as Buffer, isBinary))
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined
    })
    socket.on('error', () => undefined)
    socket.send(JSON.stringify({ type: 'challenge', nonce, gatewayId: this.#gatewayId } satisfies ServerMessage))
  }

  #hear(socket: WebSocket, nonce: string, data: Buffer, isBinary: boolean): void {
    const message: unknown = isBinary ? undefined : JSON.parse(data.toString())
    if (!workerMessage.Check(message)) {
      this.complaints.push(`no message of the contract: ${data.toString().slice(0, 500)}`)
      return
    }
    this.messages.push(message)
    if (message.type === 'hello') this.#welcome(socket, nonce, message)
    if (message.type === 'result') this.#check(message)
    if (message.type === 'checkpoint') this.#checkCheckpoint(message)
  }

  #welcome(socket: WebSocket, nonce: string, { nodeId, signature }: Of<'hello'>): void {
    const signed = channelMessage({ nonce, nodeId, gatewayId: this.#gatewayId })
    if (!verify(signed, fromHex(signature)!, fromHex(this.#nodes.get(nodeId) ?? '')!)) {
      this.complaints.push('a hello with a wrong signature')
    }
    if (this.refusal) {
      socket.send(JSON.stringify({ type: 'refused', ...this.refusal }))
      return socket.close(4001)
    }
    this.#socket = socket
    this.welcomes++
    this.#token = `token-${this.welcomes}`
    this.send({ type: 'welcome', heartbeatMs: this.heartbeatMs, leaseMs: 10_000, token: this.#token, drop: this.drop })
  }

  #check(message: Of<'result'>): void {
    const { attemptId, fence, report } = message
    const lease = this.#leases.get(attemptId)
    const nodeId = this.of('hello').at(-1)!.nodeId
    const signed = lease && resultMessage({ nodeId, attemptId, taskId: lease.taskId, fence, report })
    const isGenuine = signed && verify(signed, fromHex(report.signature)!, fromHex(this.#nodes.get(nodeId)!)!)
    if (!isGenuine) this.complaints.push(`a result with a wrong signature: ${attemptId}`)
    for (const { digest, size } of [report.stdout, report.stderr, ...report.outputs]) {
      const bytes = this.contentOf(message, digest)
      if (bytes?.length !== size || digestOf(bytes) !== digest) this.complaints.push(`content ${digest} is not there`)
    }
    if (this.acknowledges) this.ack(attemptId)
  }

  #checkCheckpoint({ attemptId, fence, checkpoint }: Of<'checkpoint'>): void {
    const lease = this.#leases.get(attemptId)
    const nodeId = this.of('hello').at(-1)!.nodeId
    const signed = lease && checkpointMessage({ nodeId, attemptId, taskId: lease.taskId, fence, checkpoint })
    const isGenuine = signed && verify(signed, fromHex(checkpoint.signature)!, fromHex(this.#nodes.get(nodeId)!)!)
    if (!isGenuine) this.complaints.push(`a checkpoint with a wrong signature: ${attemptId}`)
    for (const { digest, size } of checkpoint.files) {
      if (this.content.get(digest)?.length !== size) this.complaints.push(`state ${digest} is not there`)
    }
    if (this.checkpointAnswer === 'none') return
    const refusal = this.checkpointAnswer === 'refused' ? { refusal: 'the test said so' } : {}
    this.send({ type: 'checkpointed', attemptId, fence, sequence: checkpoint.sequence, ...refusal })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const [, attemptId, digest] = /^\/v1\/attempts\/(\w+)\/blobs\/(\w+)(?:\?use=state)?$/.exec(request.url ?? '') ?? []
    if (request.method === 'POST' && request.url === '/v1/nodes') return this.#enrol(body, response)
    if (!attemptId || !digest) return problem(response, 404, 'http.not_found', 'There is nothing here.')
    if (request.headers.authorization !== `Bearer ${this.#token}`) return problem(response, 401, 'access.denied', 'No.')
    if (request.method === 'PUT') return this.#takeUpload(attemptId, digest, body, response)
    this.fetches.push(digest)
    if (this.serve?.(digest, response)) return
    const content = this.content.get(digest)
    if (!content) return problem(response, 404, 'blob.not_found', 'There is no such content.')
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(content)
  }

  #takeUpload(attemptId: string, digest: string, body: Buffer, response: ServerResponse): void {
    if (digestOf(body) !== digest) return problem(response, 422, 'blob.hash_mismatch', 'It has another hash.')
    this.content.set(digest, body)
    this.uploads.push({ attemptId, digest })
    response.writeHead(204).end()
  }

  #enrol(body: Buffer, response: ServerResponse): void {
    const { joinToken, name, publicKey, signature } = JSON.parse(body.toString()) as Record<string, string>
    const joinTokenDigest = toHex(sha256(utf8(joinToken!)))
    const signed = enrolmentMessage({ joinTokenDigest, publicKey: publicKey!, name: name! })
    if (!verify(signed, fromHex(signature!)!, fromHex(publicKey!)!)) this.complaints.push('a wrong enrolment')
    if (joinToken !== this.joinToken) {
      return problem(response, 403, 'node.join_token_invalid', 'The join token is not valid.')
    }
    this.enrolments++
    const nodeId: NodeId = newId('node', Date.now(), rng)
    this.#nodes.set(nodeId, publicKey!)
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ nodeId }))
  }
}

const MIB = 1024 * 1024
const LIMITS: LeaseMessage['limits'] = {
  cpuMilli: 500,
  memoryBytes: 64 * MIB,
  diskBytes: 64 * MIB,
  wallMs: 20_000,
  fuel: '1000000000000',
  outputBytes: 32 * MIB,
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }))
}
