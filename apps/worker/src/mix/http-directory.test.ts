import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MAX_CONSENSUS_BYTES } from '@fog/betanet/directory'
import { ManualClock } from '@fog/kernel'
import { systemRng } from '@fog/kernel/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HttpDirectory } from './http-directory.ts'

const clock = new ManualClock()
let servers: Server[]
beforeEach(() => (servers = []))
afterEach(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))))

interface Site {
  readonly url: string
  readonly asked: IncomingMessage[]
}

async function site(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Site> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    request.resume().on('end', () => answer(request, response))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function directory(...sites: readonly Site[]): HttpDirectory {
  return new HttpDirectory({ clock, rng: systemRng }, { urls: sites.map(({ url }) => url), timeoutMs: 300 })
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' })
  response.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: `It is ${code}.` }))
}

function taken(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end('{"epoch":1,"isNew":true}')
}

test('the newest consensus is not sent twice', async () => {
  const one = await site((request, response) => {
    const isKnown = request.headers['if-none-match'] === '"x"'
    response.writeHead(isKnown ? 304 : 200, { etag: '"x"', connection: 'close' }).end(isKnown ? undefined : 'document')
  })
  const http = directory(one)
  expect(Buffer.from((await http.consensus())!).toString()).toBe('document')
  expect(await http.consensus()).toBeUndefined()
})

test('no consensus is an answer; one that is too long is none', async () => {
  const none = directory(await site((_, response) => problem(response, 404, 'mixnet.no_consensus')))
  expect(await none.consensus()).toBeUndefined()
  const long = directory(
    await site(
      (_, response) => void response.writeHead(200, { connection: 'close' }).end(Buffer.alloc(MAX_CONSENSUS_BYTES + 1)),
    ),
  )
  await expect(long.consensus()).rejects.toMatchObject({ code: 'mix.directory_silent' })
})

test('one that fails is left alone for a while, and another is asked', async () => {
  const broken = await site((_, response) => problem(response, 500, 'http.internal'))
  const good = await site((_, response) => void response.writeHead(200, { connection: 'close' }).end('document'))
  const http = directory(broken, good)
  for (let i = 0; i < 3; i++) expect(await http.consensus(1)).toBeDefined()
  expect([broken.asked.length, good.asked.length]).toEqual([1, 3])
  const alone = directory(broken)
  await expect(alone.consensus(1)).rejects.toMatchObject({ code: 'http.internal' })
  await expect(alone.consensus(1)).rejects.toMatchObject({ code: 'mix.directory_silent' })
  clock.advance(1_000)
  await expect(alone.consensus(1)).rejects.toMatchObject({ code: 'http.internal' })
})

test('one that never answers costs its time and no more', async () => {
  const http = directory(await site(() => undefined))
  await expect(http.consensus()).rejects.toMatchObject({ code: 'mix.directory_silent' })
  servers[0]!.closeAllConnections()
})

test('a descriptor goes to each control plane, and again only to those that have it not', async () => {
  const first = await site((_, response) => taken(response))
  let isUp = false
  const second = await site((_, response) => (isUp ? taken(response) : problem(response, 503, 'http.busy')))
  const http = directory(first, second)
  const descriptor = Buffer.from('descriptor')
  await expect(http.publish(descriptor)).rejects.toMatchObject({ status: 503 })
  isUp = true
  clock.advance(1_000)
  await http.publish(descriptor)
  expect([first.asked.length, second.asked.length]).toEqual([1, 2])
})

test('a refusal is told as it is, at once', async () => {
  const http = directory(await site((_, response) => problem(response, 403, 'mixnet.descriptor_refused')))
  for (let i = 0; i < 2; i++)
    await expect(http.publish(Buffer.from('descriptor'))).rejects.toMatchObject({ code: 'mixnet.descriptor_refused' })
})

test('what the directory’s clock says is compared with this one, as far as it can be told', async () => {
  let date = new Date(clock.now())
  const http = directory(
    await site((_, response) => {
      response.writeHead(200, { date: date.toUTCString(), connection: 'close' }).end('document')
    }),
  )
  const aheadWhenTold = async (ms: number) => {
    date = new Date(clock.now() - ms)
    await http.consensus(1)
    return http.clockAheadMs
  }
  expect([await aheadWhenTold(0), await aheadWhenTold(900)]).toEqual([0, 0])
  // Told in seconds: at least so much.
  expect(await aheadWhenTold(95_000)).toBe(94_000)
  expect(await aheadWhenTold(-95_000)).toBe(-95_000)
})
