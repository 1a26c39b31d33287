import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rulesForm } from '@fog/betanet/directory'
import { type ClientNetwork, startTestNetwork } from '@fog/betanet/testing'
import { type Clock, fromUtf8, toHex } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { StreamMultiplexer } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTunnel, type TunnelOptions } from './index.ts'
import { canTellOwners, ownerOf } from './own-connections.ts'

const PARAMETERS = { delayMeansSteps: [20], clientSendMeanMs: 10, clientLoopMeanMs: 1_000 }
const LONG_MS = 120_000

let fog: ClientNetwork
let streams: StreamMultiplexer
let directory: Server
let url: string
let hidden: Server
let entry: string | undefined
let world: NonNullable<Parameters<typeof startTunnel>[1]>
const folder = mkdtempSync(join(tmpdir(), 'fog-tunnel-'))
const log = pino({ level: 'silent' })

/** A server that is reached through the mixnet only, and the directory that tells of it. */
beforeAll(async () => {
  fog = await startTestNetwork({ parameters: PARAMETERS })
  const { clock: manual, rules } = fog.network
  const clock: Clock = { now: () => manual.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }
  world = { clock, rng: systemRng, noise: noiseSuite(), now: monotonicMs }
  const transport = await fog.newTransport()
  entry = transport.peer
  hidden = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => response.end(`${request.method} ${request.url} ${Buffer.concat(parts).toString()}`))
  })
  const accept = (stream: ConstructorParameters<typeof StreamDuplex>[0]) =>
    void hidden.emit('connection', new StreamDuplex(stream))
  streams = new StreamMultiplexer({ transport, clock, rng: systemRng, accept })
  directory = createServer((request, response) => {
    void (async () => {
      if (request.url === '/v1/mixnet') {
        response.setHeader('content-type', 'application/json')
        const written = JSON.parse(fromUtf8(rulesForm.encode(rules))) as unknown
        return response.end(
          JSON.stringify({
            rules: written,
            admission: 'anyone',
            now: clock.now(),
            epoch: 1,
            ...(entry !== undefined && { entry: { address: entry, gateways: [] } }),
          }),
        )
      }
      response.end(await fog.network.authority.newestConsensus())
    })()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => directory.once('listening', resolve))
  url = `http://127.0.0.1:${(directory.address() as AddressInfo).port}`
}, LONG_MS)

afterAll(async () => {
  streams.close()
  directory.close()
  hidden.closeAllConnections()
  await fog.stop()
  rmSync(folder, { recursive: true })
})

function optionsFor(name: string): TunnelOptions {
  return { urls: [url], folder: join(folder, name), log, waitMs: 20_000 }
}

describe('a tunnel', { timeout: LONG_MS }, () => {
  test('carries what programs of this user ask, by port and by socket, and is gone when it stops', async () => {
    const tunnel = await startTunnel(optionsFor('one'), world)
    expect(tunnel).toMatchObject({ entry, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string })
    const answer = await fetch(`${tunnel.url}/some/where`, { method: 'POST', body: 'hello' })
    expect(await answer.text()).toBe('POST /some/where hello')
    expect(await askBySocket(tunnel.socketPath!)).toBe('GET /by/socket ')
    expect(statSync(tunnel.socketPath!).mode & 0o777).toBe(0o600)
    await tunnel.stop()
    await tunnel.stop()
    await expect(fetch(tunnel.url)).rejects.toThrow('fetch failed')
    expect(existsSync(tunnel.socketPath!)).toBe(false)
  })

  test('keeps its key, and lets another one of the same folder have one for itself', async () => {
    const first = await startTunnel(optionsFor('two'), world)
    const second = await startTunnel(optionsFor('two'), world)
    expect(second.peer).not.toBe(first.peer)
    expect(await (await fetch(`${second.url}/2`)).text()).toBe('GET /2 ')
    await Promise.all([first.stop(), second.stop()])
    const again = await startTunnel(optionsFor('two'), world)
    expect(again.peer).toBe(first.peer)
    await again.stop()
  })

  test('ends with its signal, while it starts and afterwards', async () => {
    const ending = new AbortController()
    const tunnel = await startTunnel({ ...optionsFor('three'), signal: ending.signal }, world)
    ending.abort(new Error('enough'))
    await expect.poll(() => fetch(tunnel.url).catch(() => 'gone')).toBe('gone')
    const early = AbortSignal.abort(new Error('enough'))
    await expect(startTunnel({ ...optionsFor('three'), signal: early }, world)).rejects.toThrow('enough')
    const soon = new AbortController()
    const starting = startTunnel({ ...optionsFor('never'), urls: ['http://127.0.0.1:9'], signal: soon.signal }, world)
    soon.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('the tunnel stops')
  })

  test('says what it waited for', async () => {
    const silent = { ...optionsFor('four'), urls: ['http://127.0.0.1:9'], waitMs: 300 }
    await expect(startTunnel(silent, world)).rejects.toMatchObject({ code: 'mix.directory_silent' })
    const own = entry
    entry = undefined
    const unknown = startTunnel({ ...optionsFor('five'), waitMs: 1_500 }, world)
    await expect(unknown).rejects.toMatchObject({ code: 'mix.no_entry' })
    entry = own
    const nobody = toHex(noiseSuite().makeKeyPair().publicKey)
    entry = nobody
    const unanswered = startTunnel({ ...optionsFor('six'), waitMs: 3_000 }, world)
    await expect(unanswered).rejects.toMatchObject({ code: 'mix.entry_silent', facts: { entry: nobody } })
    entry = own
  })

  test('does not follow a control plane that tells another address than before', async () => {
    await (await startTunnel(optionsFor('seven'), world)).stop()
    const own = entry
    entry = toHex(noiseSuite().makeKeyPair().publicKey)
    await expect(startTunnel(optionsFor('seven'), world)).rejects.toMatchObject({ code: 'mix.entry_changed' })
    await expect(startTunnel({ ...optionsFor('eight'), entry: own }, world)).rejects.toMatchObject({
      code: 'mix.entry_changed',
    })
    // Who says nothing changes nothing.
    entry = undefined
    const tunnel = await startTunnel(optionsFor('seven'), world)
    expect(await (await fetch(`${tunnel.url}/7`)).text()).toBe('GET /7 ')
    await tunnel.stop()
    entry = own
  })
})

test.runIf(process.platform === 'linux')('Linux tells whose connection it is', async () => {
  expect(await canTellOwners()).toBe(true)
  const gone = { remoteAddress: '127.0.0.1', remotePort: 1, localAddress: '127.0.0.1', localPort: 2 }
  expect(await ownerOf(gone)).toBe('unknown')
})

async function askBySocket(socketPath: string): Promise<string> {
  const asked = request({ socketPath, path: '/by/socket', headers: { connection: 'close' } }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const part of answer) text += String(part)
  return text
}
