import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { Client } from '@fog/contract'
import { Uploads } from './uploads.ts'

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** A control plane that has some content already, and writes down what it is asked and sent. */
function controlPlane({ has = [], refuses = false }: { has?: readonly string[]; refuses?: boolean } = {}) {
  const asked: string[][] = []
  const sent: string[] = []
  const client = new Client({
    baseUrl: 'http://here',
    fetch: async (input, init) => {
      const { pathname: path } = new URL(input as string)
      if (path.endsWith('/missing')) {
        const { digests } = JSON.parse(init?.body as string) as { digests: string[] }
        asked.push(digests)
        const known = new Set(has.map(digestOf))
        return Response.json({ missing: digests.filter((digest) => !known.has(digest)) })
      }
      if (refuses)
        return Response.json({ code: 'blob.too_large', detail: 'It is too large.', status: 413 }, { status: 413 })
      sent.push(await new Response(init?.body).text())
      return new Response(null, { status: 204 })
    },
  })
  return { client, asked, sent }
}

const file = (text: string) => new File([text], `${text}.txt`)

test('only what the control plane lacks is sent, and every file ends ready with its hash', async () => {
  const { client, sent } = controlPlane({ has: ['palette'] })
  const uploads = new Uploads(client)
  const files = [file('palette'), file('program')]
  uploads.want(files)
  await vi.waitFor(() => expect(files.map((one) => uploads.stateOf(one).status)).toEqual(['ready', 'ready']))
  expect(sent).toEqual(['program'])
  expect(uploads.stateOf(files[0]!)).toEqual({ status: 'ready', digest: digestOf('palette') })
})

test('many files are asked about together, and the same file is brought once', async () => {
  const { client, asked, sent } = controlPlane()
  const uploads = new Uploads(client)
  const files = Array.from({ length: 300 }, (_, i) => file(`tile ${i}`))
  uploads.want(files)
  uploads.want(files)
  await vi.waitFor(() => expect(files.every((one) => uploads.stateOf(one).status === 'ready')).toBe(true))
  expect(sent).toHaveLength(300)
  expect(asked.length).toBeLessThanOrEqual(3)
  expect(asked.flat()).toHaveLength(300)
})

test('a refusal stays with its file in words, until it is tried again', async () => {
  const refusing = controlPlane({ refuses: true })
  const uploads = new Uploads(refusing.client)
  const large = file('large')
  uploads.want([large])
  await vi.waitFor(() => expect(uploads.stateOf(large)).toEqual({ status: 'failed', why: 'It is too large.' }))
  uploads.want([large])
  expect(refusing.asked).toHaveLength(1)
  uploads.want([large], 'retry failed')
  await vi.waitFor(() => expect(refusing.asked).toHaveLength(2))
})
