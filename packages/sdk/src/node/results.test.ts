import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { Fog } from '../fog.ts'
import { SdkError } from '../sdk-error.ts'
import { hurriedClock, json, refuse, serve } from '../testing/small-server.ts'
import { fetchResults, fetchTask, safeJoin, taskFolder } from './results.ts'

const digest = (text: string) => toHex(sha256(utf8(text)))
const ref = (text: string) => ({ digest: digest(text), size: text.length })
const output = (path: string, text: string) => ({ path, ...ref(text) })

let folder = ''
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'fog-results-')), 'out')
})
afterEach(() => rm(join(folder, '..'), { recursive: true }))

interface Task {
  readonly index: number
  readonly item: string
  readonly stdout: ReturnType<typeof ref>
  readonly stderr: ReturnType<typeof ref>
  readonly outputs: ReturnType<typeof output>[]
}

const task = (index: number, item: string, more: Partial<Task> = {}): Task => ({
  index,
  item,
  stdout: ref(''),
  stderr: ref(''),
  outputs: [],
  ...more,
})

/** A server with these results, two a page, and this content; what is not in it is damaged. */
async function serveResults(tasks: readonly Task[], texts: readonly string[]) {
  const content = new Map(texts.map((text) => [digest(text), text]))
  return serve((request, response) => {
    const url = new URL(request.url!, 'http://x')
    if (url.pathname === '/v1/jobs/job_1') return json(response, { tasks: tasks.length })
    if (url.pathname === '/v1/jobs/job_1/results') {
      const from = Number(url.searchParams.get('after') ?? 0)
      const next = from + 2 < tasks.length ? { next: String(from + 2) } : {}
      return json(response, { items: tasks.slice(from, from + 2), ...next })
    }
    const blob = /^\/v1\/blobs\/(.+)$/.exec(url.pathname)?.[1]
    if (blob === undefined) return refuse(response, 404, 'http.not_found')
    response.end(content.get(blob) ?? 'something else')
  })
}

const fogAt = (baseUrl: string) => new Fog({ baseUrl, clock: hurriedClock() })

async function filesIn(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const pairs = files.map(async (file) => [file.slice(path.length + 1), await readFile(file, 'utf8')] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

test('results of many tasks lie in a folder each, those of one straight in the folder', async () => {
  const three = [1, 2, 3].map((n) => task(n - 1, `/in/t${n}.json`, { outputs: [output('deep/x.txt', `x${n}`)] }))
  await using many = await serveResults(three, ['x1', 'x2', 'x3'])
  expect(await fetchResults(fogAt(many.url), 'job_1', folder)).toBe(3)
  expect(await filesIn(folder)).toEqual({
    '0000-t1.json/deep/x.txt': 'x1',
    '0001-t2.json/deep/x.txt': 'x2',
    '0002-t3.json/deep/x.txt': 'x3',
  })
  await using one = await serveResults(three.slice(0, 1), ['x1'])
  await fetchResults(fogAt(one.url), 'job_1', join(folder, 'one'))
  expect(await filesIn(join(folder, 'one'))).toEqual({ 'deep/x.txt': 'x1' })
})

test('what a task printed lies beside its files, and gives way to a file of the same name', async () => {
  const printed = { stdout: ref('out'), stderr: ref('err'), outputs: [output('stdout.txt', 'mine')] }
  await using server = await serveResults([task(0, '', printed)], ['out', 'err', 'mine'])
  await fetchResults(fogAt(server.url), 'job_1', folder)
  expect(await filesIn(folder)).toEqual({ 'stdout.txt': 'mine', '_stdout.txt': 'out', 'stderr.txt': 'err' })
})

test('content without the stated hash is thrown away, and nothing half is left', async () => {
  const tasks = [task(0, 'a', { outputs: [output('a', 'good')] }), task(1, 'b', { outputs: [output('b', 'lost')] })]
  await using server = await serveResults(tasks, ['good'])
  await expect(fetchResults(fogAt(server.url), 'job_1', folder)).rejects.toMatchObject({ code: 'result.damaged' })
  expect(Object.keys(await filesIn(folder)).filter((name) => name !== '0000-a/a')).toEqual([])
})

test('a file named like a draft of another meets nothing', async () => {
  const outputs = [output('x.part', 'one'), output('x', 'two')]
  await using server = await serveResults([], ['one', 'two'])
  await fetchTask(fogAt(server.url), task(0, '', { outputs }), folder)
  expect(await filesIn(folder)).toEqual({ 'x.part': 'one', x: 'two' })
})

test.each(['../x', '/etc/passwd', 'a/../../x', '..', '.', '', 'a\0b', './', 'a/'])(
  'a result named %j is not written',
  (path) => {
    expect(() => safeJoin('/out', path)).toThrow(/outside the results folder/)
  },
)

test('no name at all leaves the folder', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', '/', 'a', '\0', '~'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom('/', '//', '\\'), (parts, between) => {
      expect(placeOf(parts.join(between))).toMatch(/^refused$|^\/a\/out\/(?!(.*\/)?\.\.(\/|$))/s)
    }),
  )
})

function placeOf(path: string): string {
  try {
    return safeJoin('/a/out', path)
  } catch (fault) {
    if (fault instanceof SdkError) return 'refused'
    throw fault
  }
}

test('folders of tasks sort by index and keep only what can be a name', () => {
  expect(taskFolder({ index: 7, item: '' })).toBe('0007')
  expect(taskFolder({ index: 12, item: '/in/r0-c1.json' })).toBe('0012-r0-c1.json')
  expect(taskFolder({ index: 3, item: '../../../etc/pass wd' })).toBe('0003-pass_wd')
  expect(taskFolder({ index: 3, item: '..' })).toBe('0003')
  expect(taskFolder({ index: 3, item: 'größe α' })).toBe('0003-größe_α')
})
